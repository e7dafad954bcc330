/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/dbus-writer.h"

#include <string.h>

/* Codes of header fields. */
#define FIELD_PATH 1
#define FIELD_INTERFACE 2
#define FIELD_MEMBER 3
#define FIELD_ERROR_NAME 4
#define FIELD_REPLY_SERIAL 5
#define FIELD_DESTINATION 6
#define FIELD_SIGNATURE 8

/* In the fixed header. */
#define BODY_LENGTH_AT 4
#define FIELDS_LENGTH_AT 12

void
scd_dbus_append_padding(GByteArray *message, gsize start, gsize alignment)
{
    static const guint8 zeros[8];

    g_byte_array_append(message, zeros, -(message->len - start) & (alignment - 1));
}

void
scd_dbus_append_uint32(GByteArray *message, gsize start, guint32 number)
{
    scd_dbus_append_padding(message, start, sizeof number);
    g_byte_array_append(message, (const guint8 *)&number, sizeof number);
}

static void
set_uint32(GByteArray *message, gsize at, guint32 number)
{
    memcpy(message->data + at, &number, sizeof number);
}

static guint32
get_uint32(const GByteArray *message, gsize at)
{
    guint32 number;

    memcpy(&number, message->data + at, sizeof number);
    return number;
}

void
scd_dbus_append_string(GByteArray *message, gsize start, const char *text)
{
    gsize length = strlen(text);

    scd_dbus_append_uint32(message, start, length);
    g_byte_array_append(message, (const guint8 *)text, length + 1);
}

void
scd_dbus_append_signature(GByteArray *message, const char *signature)
{
    guint8 length = strlen(signature);

    g_byte_array_append(message, &length, 1);
    g_byte_array_append(message, (const guint8 *)signature, length + 1);
}

gsize
scd_dbus_begin_array(GByteArray *message, gsize start, gsize alignment)
{
    scd_dbus_append_uint32(message, start, 0);
    gsize array = message->len - sizeof(guint32);
    scd_dbus_append_padding(message, start, alignment);
    /* Until the end, the place of the length has the length of what is not an element. */
    set_uint32(message, array, message->len - array);
    return array;
}

void
scd_dbus_end_array(GByteArray *message, gsize array)
{
    set_uint32(message, array, message->len - array - get_uint32(message, array));
}

static void
append_array(GByteArray *message, gsize start, GVariant *value)
{
    const char *element = g_variant_get_type_string(value) + 1;
    gsize alignment = scd_dbus_alignment_of(*element), size = scd_dbus_size_of_number(*element);
    gsize array = scd_dbus_begin_array(message, start, alignment), n;

    if (size > 0) {
        gconstpointer numbers = g_variant_get_fixed_array(value, &n, size);
        if (n > 0)
            g_byte_array_append(message, numbers, n * size);
    } else {
        n = g_variant_n_children(value);
        for (gsize i = 0; i < n; i++) {
            g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
            scd_dbus_append_value(message, start, child);
        }
    }
    scd_dbus_end_array(message, array);
}

static void
append_members(GByteArray *message, gsize start, GVariant *value)
{
    scd_dbus_append_padding(message, start, 8);
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        scd_dbus_append_value(message, start, child);
    }
}

static void
append_variant(GByteArray *message, gsize start, GVariant *value)
{
    g_autoptr(GVariant) child = g_variant_get_variant(value);

    scd_dbus_append_signature(message, g_variant_get_type_string(child));
    scd_dbus_append_value(message, start, child);
}

void
scd_dbus_append_value(GByteArray *message, gsize start, GVariant *value)
{
    char type = *g_variant_get_type_string(value);
    gsize size = scd_dbus_size_of_number(type);

    if (size > 0) {
        scd_dbus_append_padding(message, start, size);
        g_byte_array_append(message, g_variant_get_data(value), size);
        return;
    }
    switch (type) {
    case 'b':
        scd_dbus_append_uint32(message, start, g_variant_get_boolean(value));
        break;
    case 's':
    case 'o':
        scd_dbus_append_string(message, start, g_variant_get_string(value, NULL));
        break;
    case 'g':
        scd_dbus_append_signature(message, g_variant_get_string(value, NULL));
        break;
    case 'v':
        append_variant(message, start, value);
        break;
    case 'a':
        append_array(message, start, value);
        break;
    case '(':
    case '{':
        append_members(message, start, value);
        break;
    default:
        g_assert_not_reached();
    }
}

/* Begins a header field of a type that is one character. */
static void
append_field(GByteArray *message, gsize start, guint8 code, char type)
{
    const guint8 head[] = {code, 1, (guint8)type, '\0'};

    scd_dbus_append_padding(message, start, 8);
    g_byte_array_append(message, head, sizeof head);
}

static void
append_text_field(GByteArray *message, gsize start, guint8 code, char type, const char *text)
{
    if (!text)
        return;
    append_field(message, start, code, type);
    scd_dbus_append_string(message, start, text);
}

static void
append_fields(GByteArray *message, gsize start, const ScdDbusHeader *header)
{
    append_text_field(message, start, FIELD_PATH, 'o', header->path);
    append_text_field(message, start, FIELD_INTERFACE, 's', header->interface);
    append_text_field(message, start, FIELD_MEMBER, 's', header->member);
    append_text_field(message, start, FIELD_ERROR_NAME, 's', header->error_name);
    append_text_field(message, start, FIELD_DESTINATION, 's', header->destination);
    if (header->reply_serial) {
        append_field(message, start, FIELD_REPLY_SERIAL, 'u');
        scd_dbus_append_uint32(message, start, header->reply_serial);
    }
    if (header->signature && *header->signature) {
        append_field(message, start, FIELD_SIGNATURE, 'g');
        scd_dbus_append_signature(message, header->signature);
    }
}

void
scd_dbus_append_header(GByteArray *message, const ScdDbusHeader *header)
{
    const guint8 fixed[] = {G_BYTE_ORDER == G_BIG_ENDIAN ? 'B' : 'l', header->type,
                            SCD_DBUS_FLAG_NO_REPLY_EXPECTED, 1};
    gsize start = message->len;

    g_byte_array_append(message, fixed, sizeof fixed);
    scd_dbus_append_uint32(message, start, header->body_length);
    scd_dbus_append_uint32(message, start, header->serial);
    scd_dbus_append_uint32(message, start, 0);
    append_fields(message, start, header);
    set_uint32(message, start + FIELDS_LENGTH_AT, message->len - start - SCD_DBUS_FIXED_HEADER);
    scd_dbus_append_padding(message, start, 8);
}

void
scd_dbus_end_body(GByteArray *message, gsize start)
{
    gsize header = SCD_DBUS_FIXED_HEADER + get_uint32(message, start + FIELDS_LENGTH_AT);

    set_uint32(message, start + BODY_LENGTH_AT, message->len - start - ((header + 7) & ~(gsize)7));
}

void
scd_dbus_append_error(GByteArray *message, const ScdDbusHeader *header, const char *text)
{
    gsize start = message->len;
    ScdDbusHeader error = *header;

    error.type = SCD_DBUS_ERROR;
    error.signature = "s";
    scd_dbus_append_header(message, &error);
    scd_dbus_append_string(message, start, text);
    scd_dbus_end_body(message, start);
}
