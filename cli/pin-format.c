/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pin-format.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/error.h"

/* Each returns a floating value, or NULL if the text is of another type. */

static GVariant *
parse_text(const char *text)
{
    return g_utf8_validate(text, -1, NULL) ? g_variant_new_string(text) : NULL;
}

static GVariant *
parse_number(const char *text)
{
    gboolean is_hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    guint64 number;

    if (!g_ascii_string_to_unsigned(is_hex ? text + 2 : text, is_hex ? 16 : 10, 0, G_MAXUINT32,
                                    &number, NULL))
        return NULL;
    return g_variant_new_uint32((guint32)number);
}

static GVariant *
parse_truth(const char *text)
{
    gboolean is_true = g_str_equal(text, "yes") || g_str_equal(text, "true");

    if (!is_true && !g_str_equal(text, "no") && !g_str_equal(text, "false"))
        return NULL;
    return g_variant_new_boolean(is_true);
}

static GVariant *
parse_list(const char *text, const char *type, GVariant *(*parse_item)(const char *text))
{
    g_auto(GVariantBuilder) list = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(type));
    g_auto(GStrv) items = g_strsplit(text, ",", -1);

    for (char **item = items; *item; item++) {
        GVariant *value = parse_item(*item);
        if (!value)
            return NULL;
        g_variant_builder_add_value(&list, value);
    }
    return g_variant_builder_end(&list);
}

static GVariant *
parse_texts(const char *text)
{
    return parse_list(text, "as", parse_text);
}

static GVariant *
parse_numbers(const char *text)
{
    return parse_list(text, "au", parse_number);
}

static const struct {
    const char *key;
    GVariant *(*parse)(const char *text);
} keys[] = {
    {"charset", parse_text},
    {"encoding", parse_text},
    {"min-length", parse_number},
    {"max-length", parse_number},
    {"block-length", parse_number},
    {"justification", parse_text},
    {"pin-bit-offset", parse_number},
    {"length-bit-size", parse_number},
    {"length-bit-offset", parse_number},
    {"completion", parse_texts},
    {"entry-timeout-s", parse_number},
    {"key-timeout-s", parse_number},
    {"messages", parse_numbers},
    {"language", parse_number},
    {"ask-current", parse_truth},
    {"confirm-new", parse_truth},
    {"current-offset", parse_number},
    {"new-offset", parse_number},
};

static gboolean
add_key(GVariantDict *format, const char *word, GError **error)
{
    const char *text = strchr(word, '=');
    g_autofree char *key = text ? g_strndup(word, (gsize)(text - word)) : g_strdup(word);

    for (gsize i = 0; text && i < G_N_ELEMENTS(keys); i++) {
        if (!g_str_equal(keys[i].key, key))
            continue;
        GVariant *value = keys[i].parse(text + 1);
        if (value)
            g_variant_dict_insert_value(format, key, value);
        else
            g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, _("the value of '%s' is not valid"),
                        key);
        return value != NULL;
    }
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, _("the format of a PIN has no key '%s'"), key);
    return FALSE;
}

GVariant *
ctl_pin_format_parse(const char *const *words, GError **error)
{
    g_auto(GVariantDict) format = G_VARIANT_DICT_INIT(NULL);

    for (; *words; words++) {
        if (!add_key(&format, *words, error))
            return NULL;
    }
    return g_variant_ref_sink(g_variant_dict_end(&format));
}
