/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "values.h"

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

void
smartcardd_values_update(SmartcarddValue *values, const SmartcarddField *fields, guint n_fields,
                         GVariant *dictionary, GObject *object, GParamSpec **specs)
{
    g_object_freeze_notify(object);
    for (guint i = 0; i < n_fields; i++) {
        g_autoptr(GVariant) variant =
            fields[i].name ? g_variant_lookup_value(dictionary, fields[i].name, fields[i].type)
                           : NULL;
        if (!variant)
            continue;
        SmartcarddValue value = read_value(&fields[i], variant);
        if (is_equal(&fields[i], &values[i], &value)) {
            clear_value(&value, &fields[i]);
            continue;
        }
        clear_value(&values[i], &fields[i]);
        values[i] = value;
        g_object_notify_by_pspec(object, specs[i]);
    }
    g_object_thaw_notify(object);
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
