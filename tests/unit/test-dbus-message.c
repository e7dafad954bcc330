/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/dbus-message.h"

#include <gio/gio.h>
#include <string.h>

/* A message as GDBus writes it, on the heap in its exact length. */
static guint8 *
encode_call(GVariant *body, gboolean big_endian, gsize *length)
{
    g_autoptr(GDBusMessage) message =
        g_dbus_message_new_method_call(":1.7", "/org/example", "org.example.Thing", "Do");
    g_autoptr(GError) error = NULL;

    g_dbus_message_set_serial(message, 77);
    g_dbus_message_set_sender(message, ":1.9");
    g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
    if (big_endian)
        g_dbus_message_set_byte_order(message, G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN);
    if (body)
        g_dbus_message_set_body(message, body);
    guint8 *blob = g_dbus_message_to_blob(message, length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    g_assert_no_error(error);
    return blob;
}

static gboolean
count_in(const guint8 *blob, gsize length, gsize most, gsize *count)
{
    gsize header_length, whole;
    ScdDbusHeader header;

    g_assert_true(scd_dbus_measure(blob, &header_length, &whole));
    g_assert_cmpuint(whole, ==, length);
    g_assert_true(scd_dbus_read_header(blob, header_length, &header));
    return scd_dbus_count_values(&header, blob + header_length, most, count);
}

static void
test_header(gconstpointer big_endian)
{
    gsize length, header_length, whole;
    ScdDbusHeader header;
    g_autofree guint8 *blob =
        encode_call(g_variant_new("(s)", "x"), GPOINTER_TO_INT(big_endian), &length);

    g_assert_true(scd_dbus_measure(blob, &header_length, &whole));
    g_assert_cmpuint(whole, ==, length);
    g_assert_true(scd_dbus_read_header(blob, header_length, &header));
    g_assert_cmpuint(header.type, ==, SCD_DBUS_METHOD_CALL);
    g_assert_cmpuint(header.flags, ==, SCD_DBUS_FLAG_NO_REPLY_EXPECTED);
    g_assert_cmpuint(header.serial, ==, 77);
    g_assert_cmpstr(header.path, ==, "/org/example");
    g_assert_cmpstr(header.interface, ==, "org.example.Thing");
    g_assert_cmpstr(header.member, ==, "Do");
    g_assert_cmpstr(header.destination, ==, ":1.7");
    g_assert_cmpstr(header.sender, ==, ":1.9");
    g_assert_cmpstr(header.signature, ==, "s");
    g_assert_cmpuint(header.unix_fds, ==, 0);
}

/* dbus-broker forwards fields whose codes it does not know. */
static void
test_unknown_fields(void)
{
    const struct {
        const char *value;
        gboolean valid;
    } fields[] = {
        {"'text'", TRUE},
        {"[('a', <byte 7>), ('b', <[1, 2]>)]", TRUE},
        {"[<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,"
         "<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>,<0>]",
         FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autoptr(GDBusMessage) message =
            g_dbus_message_new_method_call(":1.7", "/org/example", "org.example.Thing", "Do");
        g_autoptr(GError) error = NULL;
        gsize length, header_length, whole;
        ScdDbusHeader header;

        g_dbus_message_set_serial(message, 77);
        g_dbus_message_set_header(message, 200, g_variant_new_parsed(fields[i].value));
        g_autofree guint8 *blob =
            g_dbus_message_to_blob(message, &length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
        g_assert_no_error(error);
        g_assert_true(scd_dbus_measure(blob, &header_length, &whole));
        g_assert_cmpint(scd_dbus_read_header(blob, header_length, &header), ==, fields[i].valid);
        if (fields[i].valid)
            g_assert_cmpstr(header.member, ==, "Do");
    }
}

static void
test_reply_header(void)
{
    g_autoptr(GDBusMessage) message = g_dbus_message_new();
    g_autoptr(GError) error = NULL;
    gsize length, header_length, whole;
    ScdDbusHeader header;

    g_dbus_message_set_message_type(message, G_DBUS_MESSAGE_TYPE_ERROR);
    g_dbus_message_set_serial(message, 5);
    g_dbus_message_set_reply_serial(message, 4711);
    g_dbus_message_set_destination(message, ":1.9");
    g_dbus_message_set_error_name(message, "org.example.Error");
    g_autofree guint8 *blob =
        g_dbus_message_to_blob(message, &length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    g_assert_no_error(error);
    g_assert_true(scd_dbus_measure(blob, &header_length, &whole));
    g_assert_true(scd_dbus_read_header(blob, header_length, &header));
    g_assert_cmpuint(header.type, ==, SCD_DBUS_ERROR);
    g_assert_cmpuint(header.reply_serial, ==, 4711);
    g_assert_cmpstr(header.error_name, ==, "org.example.Error");
    g_assert_cmpstr(header.signature, ==, "");
}

/* Each value that GDBus allocates; arrays of numbers are one. */
static const struct {
    const char *text;
    gsize count;
} bodies[] = {
    {"('x',)", 1},
    {"(@ay [1, 2, 3],)", 1},
    {"(@au [1, 2, 3],)", 1},
    {"(@at [1, 2], 'x')", 2},
    {"([true, false],)", 3},
    {"(['', 'a', 'bcd'],)", 4},
    {"(@as [],)", 1},
    {"(@a(yt) [(1, 2)],)", 4},
    {"(@aay [[1, 2], []], @a{sv} {})", 4},
    {"(@ay [1], {'a': <true>, 'b': <@ay [1]>, 'c': <<'x'>>})", 15},
    {"(@o '/a/b', @g 'a{sv}', 1.5, @n 3, @i 4, @x 5)", 6},
    {"((byte 1, (uint16 2, 'x')),)", 5},
};

/* Some versions of GLib return a floating reference. */
static GVariant *
parse_body(const char *text)
{
    g_autoptr(GError) error = NULL;
    GVariant *body = g_variant_parse(NULL, text, NULL, NULL, &error);

    g_assert_no_error(error);
    return g_variant_take_ref(body);
}

static void
test_counts(gconstpointer big_endian)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(GVariant) body = parse_body(bodies[i].text);
        gsize length, count;
        g_autofree guint8 *blob = encode_call(body, GPOINTER_TO_INT(big_endian), &length);
        g_test_message("%s", bodies[i].text);
        g_assert_true(count_in(blob, length, bodies[i].count, &count));
        g_assert_cmpuint(count, ==, bodies[i].count);
        g_assert_false(count_in(blob, length, bodies[i].count - 1, &count));
    }
}

static void
test_without_body(void)
{
    gsize length, count;
    g_autofree guint8 *blob = encode_call(NULL, FALSE, &length);

    g_assert_true(count_in(blob, length, 0, &count));
    g_assert_cmpuint(count, ==, 0);
}

/* A body with any of its bytes changed is refused, or GDBus reads it too. */
static void
test_changed_bytes(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(GVariant) body = parse_body(bodies[i].text);
        gsize length, header_length, whole, count;
        g_autofree guint8 *blob = encode_call(body, FALSE, &length);
        g_assert_true(scd_dbus_measure(blob, &header_length, &whole));
        for (gsize at = header_length; at < length; at++) {
            for (guint bit = 0; bit < 8; bit++) {
                blob[at] ^= 1 << bit;
                if (count_in(blob, length, 1000, &count)) {
                    g_autoptr(GError) error = NULL;
                    g_autoptr(GDBusMessage) message = g_dbus_message_new_from_blob(
                        blob, length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
                    g_assert_no_error(error);
                    g_assert_nonnull(message);
                }
                blob[at] ^= 1 << bit;
            }
        }
    }
}

static void
test_cut_messages(void)
{
    gsize length, header_length, whole;
    ScdDbusHeader header;
    g_autofree guint8 *blob = encode_call(g_variant_new("(s)", "x"), FALSE, &length);

    g_assert_true(scd_dbus_measure(blob, &header_length, &whole));
    for (gsize cut = 1; cut < 40; cut++) {
        g_autofree guint8 *shorter = g_memdup2(blob, header_length);
        guint32 fields = GUINT32_FROM_LE(*(guint32 *)(shorter + 12)) - cut;
        *(guint32 *)(shorter + 12) = GUINT32_TO_LE(fields);
        scd_dbus_read_header(shorter, header_length, &header);
    }
    blob[0] = 'x';
    g_assert_false(scd_dbus_measure(blob, &header_length, &whole));
    blob[0] = 'l';
    memset(blob + 4, 0xFF, 4);
    g_assert_false(scd_dbus_measure(blob, &header_length, &whole));
}

/* One-byte variants are the cheapest way to make GDBus allocate. */
static void
test_many_values(void)
{
    const gsize n = 1024 * 1024;
    g_autofree guint8 *body = g_malloc(4 + 4 * n);
    gsize count;
    ScdDbusHeader header = {.body_length = 4 + 4 * n, .signature = "av"};

    *(guint32 *)body = GUINT32_TO_LE(4 * n);
    for (gsize i = 0; i < n; i++)
        memcpy(body + 4 + 4 * i, "\1y\0\7", 4);
    g_assert_true(scd_dbus_count_values(&header, body, 3 * n, &count));
    g_assert_cmpuint(count, ==, 2 * n + 1);
    g_assert_false(scd_dbus_count_values(&header, body, 1000, &count));
}

static void
test_depth(void)
{
    guint8 body[4 * 200];
    gsize count;
    ScdDbusHeader header = {.body_length = 3 * 200 + 4, .signature = "v"};

    for (gsize i = 0; i < 200; i++)
        memcpy(body + 3 * i, "\1v", 3);
    memcpy(body + 3 * 200, "\1y\0\7", 4);
    g_assert_false(scd_dbus_count_values(&header, body, 1000, &count));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/dbus-message/header/little-endian", GINT_TO_POINTER(FALSE), test_header);
    g_test_add_data_func("/dbus-message/header/big-endian", GINT_TO_POINTER(TRUE), test_header);
    g_test_add_func("/dbus-message/unknown-fields", test_unknown_fields);
    g_test_add_func("/dbus-message/header/reply", test_reply_header);
    g_test_add_data_func("/dbus-message/counts/little-endian", GINT_TO_POINTER(FALSE), test_counts);
    g_test_add_data_func("/dbus-message/counts/big-endian", GINT_TO_POINTER(TRUE), test_counts);
    g_test_add_func("/dbus-message/without-body", test_without_body);
    g_test_add_func("/dbus-message/changed-bytes", test_changed_bytes);
    g_test_add_func("/dbus-message/cut-messages", test_cut_messages);
    g_test_add_func("/dbus-message/many-values", test_many_values);
    g_test_add_func("/dbus-message/depth", test_depth);
    return g_test_run();
}
