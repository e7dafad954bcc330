/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mirror.h"

#include "client.h"
#include "property.h"

/* Paths → a{sv}. */
struct ScdMirror {
    GHashTable *readers;
    GHashTable *cards;
};

static GHashTable *
new_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
}

ScdMirror *
scd_mirror_new(void)
{
    ScdMirror *mirror = g_new0(ScdMirror, 1);
    mirror->readers = new_table();
    mirror->cards = new_table();
    return mirror;
}

void
scd_mirror_free(ScdMirror *mirror)
{
    g_hash_table_unref(mirror->readers);
    g_hash_table_unref(mirror->cards);
    g_free(mirror);
}

void
scd_mirror_clear(ScdMirror *mirror)
{
    g_hash_table_remove_all(mirror->readers);
    g_hash_table_remove_all(mirror->cards);
}

/* The table of the objects with an interface, NULL for those we do not follow. */
static GHashTable *
table_of(const ScdMirror *mirror, const char *interface)
{
    if (g_str_equal(interface, SCD_INTERFACE_READER))
        return mirror->readers;
    if (g_str_equal(interface, SCD_INTERFACE_CARD))
        return mirror->cards;
    return NULL;
}

void
scd_mirror_add(ScdMirror *mirror, const char *path, GVariant *interfaces)
{
    GVariantIter iter;
    const char *interface;
    GVariant *properties;

    g_variant_iter_init(&iter, interfaces);
    while (g_variant_iter_loop(&iter, "{&s@a{sv}}", &interface, &properties)) {
        GHashTable *table = table_of(mirror, interface);
        if (table)
            g_hash_table_replace(table, g_strdup(path), g_variant_ref(properties));
    }
}

void
scd_mirror_fill(ScdMirror *mirror, GVariant *objects)
{
    GVariantIter iter;
    const char *path;
    GVariant *interfaces;

    scd_mirror_clear(mirror);
    g_variant_iter_init(&iter, objects);
    while (g_variant_iter_loop(&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
        scd_mirror_add(mirror, path, interfaces);
}

void
scd_mirror_remove(ScdMirror *mirror, const char *path, const char *const *interfaces)
{
    for (gsize i = 0; interfaces[i]; i++) {
        GHashTable *table = table_of(mirror, interfaces[i]);
        if (table)
            g_hash_table_remove(table, path);
    }
}

void
scd_mirror_change(ScdMirror *mirror, const char *path, const char *interface, GVariant *changed,
                  const char *const *invalidated)
{
    GHashTable *table = table_of(mirror, interface);
    GVariant *properties = table ? g_hash_table_lookup(table, path) : NULL;

    if (properties)
        g_hash_table_replace(table, g_strdup(path),
                             scd_property_merge(properties, changed, invalidated));
}

gboolean
scd_mirror_look_with_card(ScdMirror *mirror, const char *path, const char *card_path,
                          ScdReaderView *view)
{
    gpointer key, value;

    *view = (ScdReaderView){0};
    if (!g_hash_table_lookup_extended(mirror->readers, path, &key, &value))
        return FALSE;
    view->path = key;
    view->properties = value;
    if (g_hash_table_lookup_extended(mirror->cards, card_path, &key, &value)) {
        view->card_path = key;
        view->card = value;
    }
    return TRUE;
}

gboolean
scd_mirror_look(ScdMirror *mirror, const char *path, ScdReaderView *view)
{
    GVariant *properties = g_hash_table_lookup(mirror->readers, path);

    return properties &&
           scd_mirror_look_with_card(mirror, path, scd_property_text(properties, "Card"), view);
}

static int
compare_by_name(gconstpointer a, gconstpointer b)
{
    const ScdReaderView *one = a, *other = b;

    return g_strcmp0(scd_property_text(one->properties, "Name"),
                     scd_property_text(other->properties, "Name"));
}

GArray *
scd_mirror_readers(ScdMirror *mirror)
{
    GArray *readers = g_array_new(FALSE, FALSE, sizeof(ScdReaderView));
    GHashTableIter iter;
    gpointer path;

    g_hash_table_iter_init(&iter, mirror->readers);
    while (g_hash_table_iter_next(&iter, &path, NULL)) {
        ScdReaderView view;
        scd_mirror_look(mirror, path, &view);
        g_array_append_val(readers, view);
    }
    g_array_sort(readers, compare_by_name);
    return readers;
}

gboolean
scd_mirror_has_readers(const ScdMirror *mirror)
{
    return g_hash_table_size(mirror->readers) > 0;
}
