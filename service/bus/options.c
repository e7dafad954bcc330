/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/options.h"

#include <string.h>

#include "base/error.h"

#define KEY_SHOWN_MAX 40 /* bytes of an unknown key that an error repeats */

static const ScdOption *
find_option(const ScdOption *known, const char *key)
{
    for (; known->key != NULL; known++) {
        if (g_str_equal(known->key, key))
            return known;
    }
    return NULL;
}

/* The type is the format without the characters that only affect how a value is read. */
static char *
get_type_of_format(const char *format)
{
    GString *type = g_string_new(NULL);

    for (; *format != '\0'; format++) {
        if (strchr("@&^", *format) == NULL)
            g_string_append_c(type, *format);
    }
    return g_string_free(type, FALSE);
}

static gboolean
refuse_key(const ScdOption *known, const char *key, GError **error)
{
    g_autofree char *head = g_strndup(key, KEY_SHOWN_MAX);
    g_autofree char *shown = g_strescape(head, NULL);
    g_autoptr(GString) keys = g_string_new(NULL);

    for (const ScdOption *option = known; option->key != NULL; option++)
        g_string_append_printf(keys, "%s%s", option == known ? "" : ", ", option->key);
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "unknown option \"%s\": %s%s", shown,
                keys->len > 0 ? "supported are " : "none supported", keys->str);
    return FALSE;
}

static gboolean
check_type(const ScdOption *option, GVariant *value, GError **error)
{
    g_autofree char *type = get_type_of_format(option->format);

    if (g_variant_is_of_type(value, G_VARIANT_TYPE(type)))
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                "option \"%s\" has a value of type %s, where %s is expected", option->key,
                g_variant_get_type_string(value), type);
    return FALSE;
}

/* Stops at the first invalid entry, so the number of known options bounds the work. */
static gboolean
check_dictionary(GVariant *dictionary, const ScdOption *known, GError **error)
{
    GVariantIter entries;
    const char *key;
    GVariant *child;
    guint32 given = 0;

    g_variant_iter_init(&entries, dictionary);
    while (g_variant_iter_next(&entries, "{&sv}", &key, &child)) {
        g_autoptr(GVariant) value = child;
        const ScdOption *option = find_option(known, key);

        if (option == NULL)
            return refuse_key(known, key, error);
        if (!check_type(option, value, error))
            return FALSE;
        if ((given & 1u << (option - known)) != 0) {
            g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "option \"%s\" is given twice", key);
            return FALSE;
        }
        given |= 1u << (option - known);
    }
    return TRUE;
}

gboolean
scd_options_read(GVariant *dictionary, const ScdOption *known, GError **error)
{
    if (g_variant_n_children(dictionary) == 0) /* the usual case */
        return TRUE;
    if (!check_dictionary(dictionary, known, error))
        return FALSE;
    for (; known->key != NULL; known++)
        g_variant_lookup(dictionary, known->key, known->format, known->target);
    return TRUE;
}
