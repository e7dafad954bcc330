/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/dbus-message.h"

#include <string.h>

#define MESSAGE_MAX (128 * 1024 * 1024)
#define ARRAY_MAX (64 * 1024 * 1024)
#define DEPTH_MAX 64

/* Values in header fields that a later version of the protocol may add. */
#define UNKNOWN_VALUES_MAX 64

/* A place in the bytes of a message. Alignment counts from the first of them. */
typedef struct {
    const guint8 *bytes;
    gsize length;
    gsize at;
    gboolean big_endian;
    gsize count; /* of values passed so far */
    gsize most;
} WireCursor;

static guint32
read_uint32(const guint8 *bytes, gboolean big_endian)
{
    guint32 number;

    memcpy(&number, bytes, sizeof number);
    return big_endian ? GUINT32_FROM_BE(number) : GUINT32_FROM_LE(number);
}

static gboolean
skip_bytes(WireCursor *cursor, gsize length)
{
    if (length > cursor->length - cursor->at)
        return FALSE;
    cursor->at += length;
    return TRUE;
}

static gboolean
skip_padding(WireCursor *cursor, gsize alignment)
{
    return skip_bytes(cursor, -cursor->at & (alignment - 1));
}

static gboolean
take_uint32(WireCursor *cursor, guint32 *number)
{
    if (!skip_padding(cursor, 4) || !skip_bytes(cursor, 4))
        return FALSE;
    *number = read_uint32(cursor->bytes + cursor->at - 4, cursor->big_endian);
    return TRUE;
}

/* A string of that length and the NUL that ends it. */
static gboolean
take_text(WireCursor *cursor, gsize length, const char **text)
{
    const guint8 *start = cursor->bytes + cursor->at;

    if (!skip_bytes(cursor, length) || !skip_bytes(cursor, 1) || start[length] != '\0')
        return FALSE;
    *text = (const char *)start;
    return g_utf8_validate(*text, length, NULL);
}

static gboolean
take_string(WireCursor *cursor, const char **text)
{
    guint32 length;
    return take_uint32(cursor, &length) && take_text(cursor, length, text);
}

static gboolean
take_object_path(WireCursor *cursor, const char **path)
{
    return take_string(cursor, path) && g_variant_is_object_path(*path);
}

static gboolean
take_signature(WireCursor *cursor, const char **signature)
{
    guint8 length;

    if (!skip_bytes(cursor, 1))
        return FALSE;
    length = cursor->bytes[cursor->at - 1];
    return take_text(cursor, length, signature) && strlen(*signature) == length &&
           g_variant_is_signature(*signature);
}

gboolean
scd_dbus_measure(const guint8 *fixed, gsize *header_length, gsize *length)
{
    gboolean big_endian = fixed[0] == 'B';

    if ((fixed[0] != 'l' && fixed[0] != 'B') || fixed[3] != 1)
        return FALSE;
    guint64 body = read_uint32(fixed + 4, big_endian);
    guint64 fields = read_uint32(fixed + 12, big_endian);
    guint64 header = (SCD_DBUS_FIXED_HEADER + fields + 7) & ~(guint64)7;
    if (header + body > MESSAGE_MAX)
        return FALSE;
    *header_length = header;
    *length = header + body;
    return TRUE;
}

static gboolean walk_value(WireCursor *cursor, const char **type, guint depth);

/* A value of any type, which is not used. */
static gboolean
skip_value(WireCursor *cursor, const char *type)
{
    const char *end;

    return g_variant_type_string_scan(type, NULL, &end) && *end == '\0' &&
           walk_value(cursor, &type, 0);
}

/*
 * The value of one header field, which has the type that its code demands. A field with another
 * code is to be ignored.
 */
static gboolean
take_field(WireCursor *cursor, guint8 code, const char *type, ScdDbusHeader *header)
{
    const struct {
        const char *type;
        gpointer target;
    } known[] = {
        [1] = {"o", &header->path},         [2] = {"s", &header->interface},
        [3] = {"s", &header->member},       [4] = {"s", &header->error_name},
        [5] = {"u", &header->reply_serial}, [6] = {"s", &header->destination},
        [7] = {"s", &header->sender},       [8] = {"g", &header->signature},
        [9] = {"u", &header->unix_fds},
    };

    if (code >= G_N_ELEMENTS(known))
        return skip_value(cursor, type);
    if (code == 0 || !g_str_equal(type, known[code].type))
        return FALSE;
    gpointer target = known[code].target;
    switch (*type) {
    case 'o':
        return take_object_path(cursor, target);
    case 's':
        return take_string(cursor, target);
    case 'g':
        return take_signature(cursor, target);
    default:
        return take_uint32(cursor, target);
    }
}

static gboolean
take_fields(WireCursor *cursor, ScdDbusHeader *header)
{
    while (cursor->at < cursor->length) {
        const char *type;
        if (!skip_padding(cursor, 8) || !skip_bytes(cursor, 1))
            return FALSE;
        guint8 code = cursor->bytes[cursor->at - 1];
        if (!take_signature(cursor, &type) || !take_field(cursor, code, type, header))
            return FALSE;
    }
    return TRUE;
}

gboolean
scd_dbus_read_header(const guint8 *bytes, gsize header_length, ScdDbusHeader *header)
{
    gboolean big_endian = bytes[0] == 'B';
    WireCursor cursor = {
        .bytes = bytes,
        .length = SCD_DBUS_FIXED_HEADER + (gsize)read_uint32(bytes + 12, big_endian),
        .at = SCD_DBUS_FIXED_HEADER,
        .big_endian = big_endian,
        .most = UNKNOWN_VALUES_MAX,
    };

    *header = (ScdDbusHeader){
        .type = bytes[1],
        .flags = bytes[2],
        .big_endian = big_endian,
        .body_length = read_uint32(bytes + 4, big_endian),
        .serial = read_uint32(bytes + 8, big_endian),
        .signature = "",
    };
    return header->type != 0 && header->serial != 0 && cursor.length <= header_length &&
           take_fields(&cursor, header);
}

gsize
scd_dbus_size_of_number(char type)
{
    switch (type) {
    case 'y':
        return 1;
    case 'n':
    case 'q':
        return 2;
    case 'i':
    case 'u':
    case 'h':
        return 4;
    case 'x':
    case 't':
    case 'd':
        return 8;
    default:
        return 0;
    }
}

gsize
scd_dbus_alignment_of(char type)
{
    switch (type) {
    case 'y':
    case 'g':
    case 'v':
        return 1;
    case 'n':
    case 'q':
        return 2;
    case 'x':
    case 't':
    case 'd':
    case '(':
    case '{':
        return 8;
    default:
        return 4;
    }
}

/* The members of a struct or a dictionary entry, up to its closing bracket. */
static gboolean
walk_members(WireCursor *cursor, const char **type, char closing, guint depth)
{
    if (!skip_padding(cursor, 8))
        return FALSE;
    while (**type != closing)
        if (!walk_value(cursor, type, depth))
            return FALSE;
    (*type)++;
    return TRUE;
}

static gboolean
walk_elements(WireCursor *cursor, const char *type, gsize end, guint depth)
{
    gsize size = scd_dbus_size_of_number(*type);

    if (size > 0)
        return (end - cursor->at) % size == 0 && skip_bytes(cursor, end - cursor->at);
    while (cursor->at < end) {
        const char *element = type;
        if (!walk_value(cursor, &element, depth))
            return FALSE;
    }
    return cursor->at == end;
}

static gboolean
walk_array(WireCursor *cursor, const char **type, guint depth)
{
    const char *element = *type;
    guint32 length;

    if (!g_variant_type_string_scan(element, NULL, type) || !take_uint32(cursor, &length) ||
        length > ARRAY_MAX || !skip_padding(cursor, scd_dbus_alignment_of(*element)) ||
        length > cursor->length - cursor->at)
        return FALSE;
    return walk_elements(cursor, element, cursor->at + length, depth);
}

static gboolean
walk_variant(WireCursor *cursor, guint depth)
{
    const char *type, *end;

    return take_signature(cursor, &type) && g_variant_type_string_scan(type, NULL, &end) &&
           *end == '\0' && walk_value(cursor, &type, depth);
}

static gboolean
walk_boolean(WireCursor *cursor)
{
    guint32 number;
    return take_uint32(cursor, &number) && number <= 1;
}

/* One complete type, which is passed, and its value. */
static gboolean
walk_value(WireCursor *cursor, const char **type, guint depth)
{
    const char *text;
    char kind = *(*type)++;

    if (depth == DEPTH_MAX || ++cursor->count > cursor->most)
        return FALSE;
    switch (kind) {
    case 'b':
        return walk_boolean(cursor);
    case 's':
        return take_string(cursor, &text);
    case 'o':
        return take_object_path(cursor, &text);
    case 'g':
        return take_signature(cursor, &text);
    case 'v':
        return walk_variant(cursor, depth + 1);
    case 'a':
        return walk_array(cursor, type, depth + 1);
    case '(':
        return walk_members(cursor, type, ')', depth + 1);
    case '{':
        return walk_members(cursor, type, '}', depth + 1);
    default:
        return scd_dbus_size_of_number(kind) > 0 &&
               skip_padding(cursor, scd_dbus_size_of_number(kind)) &&
               skip_bytes(cursor, scd_dbus_size_of_number(kind));
    }
}

gboolean
scd_dbus_count_values(const ScdDbusHeader *header, const guint8 *body, gsize most, gsize *count)
{
    WireCursor cursor = {
        .bytes = body,
        .length = header->body_length,
        .big_endian = header->big_endian,
        .most = most,
    };
    const char *type = header->signature;

    while (*type != '\0')
        if (!walk_value(&cursor, &type, 0))
            return FALSE;
    *count = cursor.count;
    return cursor.at == cursor.length;
}

guint32
scd_dbus_next_serial(guint32 last)
{
    return last == G_MAXUINT32 ? 1 : last + 1;
}

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
