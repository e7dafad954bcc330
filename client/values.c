/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "values.h"

#include <string.h>

static char
get_kind(const SmartcarddField *field)
{
    const char *type = g_variant_type_peek_string(field->type);

    return type[0] == 'a' ? (type[1] == 's' ? 'A' : 'B') : type[0] == 'o' ? 's' : type[0];
}

static GParamSpec *
new_spec(const SmartcarddField *field)
{
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

    switch (get_kind(field)) {
    case 's':
        return g_param_spec_string(field->property, field->nick, NULL, "", flags);
    case 'b':
        return g_param_spec_boolean(field->property, field->nick, NULL, FALSE, flags);
    case 'A':
        return g_param_spec_boxed(field->property, field->nick, NULL, G_TYPE_STRV, flags);
    case 'B':
        return g_param_spec_boxed(field->property, field->nick, NULL, G_TYPE_BYTES, flags);
    default:
        return g_param_spec_uint(field->property, field->nick, NULL, 0, G_MAXUINT, 0, flags);
    }
}

void
smartcardd_values_install(GObjectClass *class, const SmartcarddField *fields, guint n_fields,
                          GParamSpec **specs)
{
    for (guint i = 0; i < n_fields; i++) {
        if (!fields[i].property)
            continue;
        specs[i] = new_spec(&fields[i]);
        g_object_class_install_property(class, i + 1, specs[i]);
    }
}

void
smartcardd_values_init(SmartcarddValue *values, const SmartcarddField *fields, guint n_fields)
{
    for (guint i = 0; i < n_fields; i++) {
        char kind = get_kind(&fields[i]);
        if (kind == 's')
            values[i].text = g_strdup("");
        else if (kind == 'A')
            values[i].list = g_new0(char *, 1);
        else if (kind == 'B')
            values[i].bytes = g_bytes_new(NULL, 0);
    }
}

static void
clear_value(SmartcarddValue *value, const SmartcarddField *field)
{
    char kind = get_kind(field);

    if (kind == 's')
        g_free(value->text);
    else if (kind == 'A')
        g_strfreev(value->list);
    else if (kind == 'B')
        g_bytes_unref(value->bytes);
}

void
smartcardd_values_clear(SmartcarddValue *values, const SmartcarddField *fields, guint n_fields)
{
    for (guint i = 0; i < n_fields; i++)
        clear_value(&values[i], &fields[i]);
}

/* Bytes are copied: they would keep the whole message. */
static SmartcarddValue
read_value(const SmartcarddField *field, GVariant *variant)
{
    gsize length;
    gconstpointer data;

    switch (g_variant_type_peek_string(field->type)[0]) {
    case 's':
    case 'o':
        return (SmartcarddValue){.text = g_variant_dup_string(variant, NULL)};
    case 'b':
        return (SmartcarddValue){.number = g_variant_get_boolean(variant)};
    case 'y':
        return (SmartcarddValue){.number = g_variant_get_byte(variant)};
    case 'q':
        return (SmartcarddValue){.number = g_variant_get_uint16(variant)};
    case 'u':
        return (SmartcarddValue){.number = g_variant_get_uint32(variant)};
    default:
        if (get_kind(field) == 'A')
            return (SmartcarddValue){.list = g_variant_dup_strv(variant, NULL)};
        data = g_variant_get_fixed_array(variant, &length, 1);
        return (SmartcarddValue){.bytes = g_bytes_new(data, length)};
    }
}

static gboolean
is_equal(const SmartcarddField *field, const SmartcarddValue *a, const SmartcarddValue *b)
{
    switch (get_kind(field)) {
    case 's':
        return g_str_equal(a->text, b->text);
    case 'A':
        return g_strv_equal((const char *const *)a->list, (const char *const *)b->list);
    case 'B':
        return g_bytes_equal(a->bytes, b->bytes);
    default:
        return a->number == b->number;
    }
}

/* Returns n_fields if there is none. Begins at the field where it is most likely. */
static guint
find_field(const SmartcarddField *fields, guint n_fields, const char *name, guint likely)
{
    for (guint i = 0; i < n_fields; i++) {
        guint number = (likely + i) % n_fields;
        if (fields[number].name && strcmp(fields[number].name, name) == 0)
            return number;
    }
    return n_fields;
}

/* Returns whether the value has changed. */
static gboolean
set_value(SmartcarddValue *place, const SmartcarddField *field, GVariant *variant)
{
    if (!g_variant_is_of_type(variant, field->type))
        return FALSE;
    SmartcarddValue value = read_value(field, variant);
    if (is_equal(field, place, &value)) {
        clear_value(&value, field);
        return FALSE;
    }
    clear_value(place, field);
    *place = value;
    return TRUE;
}

/*
 * A function with a format string would serialize a dictionary from a message, which costs more
 * than all the rest.
 */
void
smartcardd_values_update(SmartcarddValue *values, const SmartcarddField *fields, guint n_fields,
                         GVariant *dictionary, GObject *object, GParamSpec **specs)
{
    gsize n_entries = g_variant_n_children(dictionary);
    guint number = 0;

    if (object)
        g_object_freeze_notify(object);
    for (gsize i = 0; i < n_entries; i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(dictionary, i);
        g_autoptr(GVariant) name = g_variant_get_child_value(entry, 0);
        g_autoptr(GVariant) boxed = g_variant_get_child_value(entry, 1);
        g_autoptr(GVariant) variant = g_variant_get_variant(boxed);
        number = find_field(fields, n_fields, g_variant_get_string(name, NULL), number + 1);
        if (number < n_fields && set_value(&values[number], &fields[number], variant) && object &&
            specs[number])
            g_object_notify_by_pspec(object, specs[number]);
    }
    if (object)
        g_object_thaw_notify(object);
}

GVariant *
smartcardd_values_merge(GVariant *dictionary, GVariant *changes)
{
    g_auto(GVariantBuilder) merged = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, dictionary);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) change = g_variant_lookup_value(changes, name, NULL);
        g_variant_builder_add(&merged, "{sv}", name, change ? change : value);
    }
    g_variant_iter_init(&iter, changes);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) old = g_variant_lookup_value(dictionary, name, NULL);
        if (!old)
            g_variant_builder_add(&merged, "{sv}", name, value);
    }
    return g_variant_ref_sink(g_variant_builder_end(&merged));
}

void
smartcardd_values_get(const SmartcarddValue *value, const SmartcarddField *field, GValue *result)
{
    switch (get_kind(field)) {
    case 's':
        g_value_set_string(result, value->text);
        break;
    case 'b':
        g_value_set_boolean(result, value->number != 0);
        break;
    case 'A':
        g_value_set_boxed(result, value->list);
        break;
    case 'B':
        g_value_set_boxed(result, value->bytes);
        break;
    default:
        g_value_set_uint(result, value->number);
    }
}
