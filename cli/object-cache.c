/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object-cache.h"

const char *
ctl_property_text(GVariant *properties, const char *name)
{
    const char *text = "";

    if (!g_variant_lookup(properties, name, "&s", &text))
        g_variant_lookup(properties, name, "&o", &text);
    return text;
}

gboolean
ctl_property_flag(GVariant *properties, const char *name)
{
    gboolean flag = FALSE;

    g_variant_lookup(properties, name, "b", &flag);
    return flag;
}

guint64
ctl_property_number(GVariant *properties, const char *name)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(properties, name, NULL);

    if (!value)
        return 0;
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BYTE:
        return g_variant_get_byte(value);
    case G_VARIANT_CLASS_UINT16:
        return g_variant_get_uint16(value);
    case G_VARIANT_CLASS_UINT32:
        return g_variant_get_uint32(value);
    case G_VARIANT_CLASS_UINT64:
        return g_variant_get_uint64(value);
    default:
        return 0;
    }
}

GBytes *
ctl_property_bytes(GVariant *properties, const char *name)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(properties, name, G_VARIANT_TYPE_BYTESTRING);

    return value ? g_variant_get_data_as_bytes(value) : g_bytes_new(NULL, 0);
}

const char **
ctl_property_list(GVariant *properties, const char *name)
{
    const char **list;

    return g_variant_lookup(properties, name, "^a&s", &list) ? list : g_new0(const char *, 1);
}

GVariant *
ctl_property_merge(GVariant *properties, GVariant *changed, const char *const *invalidated)
{
    g_auto(GVariantBuilder) merged = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) other = g_variant_lookup_value(changed, name, NULL);
        if (!g_strv_contains(invalidated, name))
            g_variant_builder_add(&merged, "{sv}", name, other ? other : value);
    }
    g_variant_iter_init(&iter, changed);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) before = g_variant_lookup_value(properties, name, NULL);
        if (!before)
            g_variant_builder_add(&merged, "{sv}", name, value);
    }
    return g_variant_ref_sink(g_variant_builder_end(&merged));
}

/* Paths → a{sv}. */
struct CtlObjectCache {
    GHashTable *readers;
    GHashTable *cards;
};

static GHashTable *
new_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
}

CtlObjectCache *
ctl_object_cache_new(void)
{
    CtlObjectCache *cache = g_new0(CtlObjectCache, 1);
    cache->readers = new_table();
    cache->cards = new_table();
    return cache;
}

void
ctl_object_cache_free(CtlObjectCache *cache)
{
    g_hash_table_unref(cache->readers);
    g_hash_table_unref(cache->cards);
    g_free(cache);
}

void
ctl_object_cache_clear(CtlObjectCache *cache)
{
    g_hash_table_remove_all(cache->readers);
    g_hash_table_remove_all(cache->cards);
}

/* Returns the table for an interface, NULL for interfaces that are not cached. */
static GHashTable *
get_table(const CtlObjectCache *cache, const char *interface)
{
    if (g_str_equal(interface, CTL_INTERFACE_READER))
        return cache->readers;
    if (g_str_equal(interface, CTL_INTERFACE_CARD))
        return cache->cards;
    return NULL;
}

void
ctl_object_cache_add(CtlObjectCache *cache, const char *path, GVariant *interfaces)
{
    GVariantIter iter;
    const char *interface;
    GVariant *properties;

    g_variant_iter_init(&iter, interfaces);
    while (g_variant_iter_loop(&iter, "{&s@a{sv}}", &interface, &properties)) {
        GHashTable *table = get_table(cache, interface);
        if (table)
            g_hash_table_replace(table, g_strdup(path), g_variant_ref(properties));
    }
}

void
ctl_object_cache_fill(CtlObjectCache *cache, GVariant *objects)
{
    GVariantIter iter;
    const char *path;
    GVariant *interfaces;

    ctl_object_cache_clear(cache);
    g_variant_iter_init(&iter, objects);
    while (g_variant_iter_loop(&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
        ctl_object_cache_add(cache, path, interfaces);
}

void
ctl_object_cache_remove(CtlObjectCache *cache, const char *path, const char *const *interfaces)
{
    for (gsize i = 0; interfaces[i]; i++) {
        GHashTable *table = get_table(cache, interfaces[i]);
        if (table)
            g_hash_table_remove(table, path);
    }
}

void
ctl_object_cache_change(CtlObjectCache *cache, const char *path, const char *interface,
                        GVariant *changed, const char *const *invalidated)
{
    GHashTable *table = get_table(cache, interface);
    GVariant *properties = table ? g_hash_table_lookup(table, path) : NULL;

    if (properties)
        g_hash_table_replace(table, g_strdup(path),
                             ctl_property_merge(properties, changed, invalidated));
}

gboolean
ctl_object_cache_get_reader_with_card(CtlObjectCache *cache, const char *path,
                                      const char *card_path, CtlReaderView *view)
{
    gpointer key, value;

    *view = (CtlReaderView){0};
    if (!g_hash_table_lookup_extended(cache->readers, path, &key, &value))
        return FALSE;
    view->path = key;
    view->properties = value;
    if (g_hash_table_lookup_extended(cache->cards, card_path, &key, &value)) {
        view->card_path = key;
        view->card = value;
    }
    return TRUE;
}

gboolean
ctl_object_cache_get_reader(CtlObjectCache *cache, const char *path, CtlReaderView *view)
{
    GVariant *properties = g_hash_table_lookup(cache->readers, path);

    return properties && ctl_object_cache_get_reader_with_card(
                             cache, path, ctl_property_text(properties, "Card"), view);
}

static int
compare_views_by_name(gconstpointer a, gconstpointer b)
{
    const CtlReaderView *one = a, *other = b;

    return g_strcmp0(ctl_property_text(one->properties, "Name"),
                     ctl_property_text(other->properties, "Name"));
}

GArray *
ctl_object_cache_readers(CtlObjectCache *cache)
{
    GArray *readers = g_array_new(FALSE, FALSE, sizeof(CtlReaderView));
    GHashTableIter iter;
    gpointer path;

    g_hash_table_iter_init(&iter, cache->readers);
    while (g_hash_table_iter_next(&iter, &path, NULL)) {
        CtlReaderView view;
        ctl_object_cache_get_reader(cache, path, &view);
        g_array_append_val(readers, view);
    }
    g_array_sort(readers, compare_views_by_name);
    return readers;
}

gboolean
ctl_object_cache_has_readers(const CtlObjectCache *cache)
{
    return g_hash_table_size(cache->readers) > 0;
}
