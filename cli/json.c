/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "json.h"

#include "base/bytes.h"
#include "output.h"
#include "reader-view.h"

/* Represented in another way: see the header. */
static const char *const left_out[] = {"AtrHex", "Card", "Reader", NULL};

static char *
convert_property_name(const char *property)
{
    GString *key = g_string_new(NULL);

    for (const char *at = property; *at; at++) {
        if (g_ascii_isupper(*at) && at > property)
            g_string_append_c(key, '-');
        g_string_append_c(key, g_ascii_tolower(*at));
    }
    return g_string_free(key, FALSE);
}

static void
add_property_value(JsonBuilder *builder, GVariant *value)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING)) {
        json_builder_add_value(builder, json_gvariant_serialize(value));
        return;
    }
    g_autofree char *hex = scd_hex_from_bytes(g_variant_get_data(value), g_variant_get_size(value));
    json_builder_add_string_value(builder, hex);
}

void
ctl_json_add_text(JsonBuilder *builder, const char *key, const char *text)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_string_value(builder, text);
}

void
ctl_json_add_bytes(JsonBuilder *builder, const char *key, GBytes *bytes)
{
    g_autofree char *hex = ctl_describe_hex(bytes);
    ctl_json_add_text(builder, key, hex);
}

void
ctl_json_add_number(JsonBuilder *builder, const char *key, gint64 number)
{
    json_builder_set_member_name(builder, key);
    json_builder_add_int_value(builder, number);
}

void
ctl_json_add_properties(JsonBuilder *builder, GVariant *properties)
{
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autofree char *key = convert_property_name(name);
        if (g_strv_contains(left_out, name))
            continue;
        json_builder_set_member_name(builder, key);
        add_property_value(builder, value);
    }
}

static void
add_path_member(JsonBuilder *builder, const char *path)
{
    if (path)
        ctl_json_add_text(builder, "path", path);
}

static void
add_card_member(JsonBuilder *builder, const CtlReaderView *reader)
{
    json_builder_set_member_name(builder, "card");
    if (!reader->card) {
        json_builder_add_null_value(builder);
        return;
    }
    json_builder_begin_object(builder);
    add_path_member(builder, reader->card_path);
    ctl_json_add_properties(builder, reader->card);
    json_builder_end_object(builder);
}

static void
add_reader_object(JsonBuilder *builder, const CtlReaderView *reader)
{
    json_builder_begin_object(builder);
    add_path_member(builder, reader->path);
    ctl_json_add_properties(builder, reader->properties);
    add_card_member(builder, reader);
    json_builder_end_object(builder);
}

char *
ctl_json_to_text(JsonBuilder *builder, gboolean indented)
{
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *text = json_to_string(root, indented);

    return ctl_text_escape(text, TRUE);
}

char *
ctl_json_single(const char *key, const char *text)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    ctl_json_add_text(builder, key, text);
    json_builder_end_object(builder);
    return ctl_json_to_text(builder, FALSE);
}

char *
ctl_json_reader(const CtlReaderView *reader)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    add_reader_object(builder, reader);
    return ctl_json_to_text(builder, TRUE);
}

void
ctl_json_add_readers(JsonBuilder *builder, GArray *readers)
{
    json_builder_begin_array(builder);
    for (guint i = 0; i < readers->len; i++)
        add_reader_object(builder, &g_array_index(readers, CtlReaderView, i));
    json_builder_end_array(builder);
}

char *
ctl_json_readers(GArray *readers)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    ctl_json_add_readers(builder, readers);
    return ctl_json_to_text(builder, TRUE);
}
