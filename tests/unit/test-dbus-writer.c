/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/dbus-message.h"

#include <gio/gio.h>
#include <string.h>

/* Errors that are written one behind the other, as GDBus reads them. */
static void
test_written_errors(void)
{
    static const char *const texts[] = {"a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg"};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    gsize at = 0;

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        const ScdDbusHeader header = {
            .serial = i + 1, .reply_serial = 100 + i, .destination = ":1.9", .error_name = "a.B"};
        scd_dbus_append_error(bytes, &header, texts[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        gsize header_length, length;
        g_assert_true(scd_dbus_measure(bytes->data + at, &header_length, &length));
        g_assert_cmpuint(at + length, <=, bytes->len);
        g_autofree guint8 *blob = g_memdup2(bytes->data + at, length);
        g_autoptr(GDBusMessage) message =
            g_dbus_message_new_from_blob(blob, length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(g_dbus_message_get_serial(message), ==, i + 1);
        g_assert_cmpuint(g_dbus_message_get_reply_serial(message), ==, 100 + i);
        g_assert_cmpstr(g_dbus_message_get_destination(message), ==, ":1.9");
        g_assert_cmpstr(g_dbus_message_get_error_name(message), ==, "a.B");
        g_assert_cmpstr(g_dbus_message_get_arg0(message), ==, texts[i]);
        at += length;
    }
    g_assert_cmpuint(at, ==, bytes->len);
}

static const char *const bodies[] = {
    "('x',)",
    "(true, false, byte 1, @n 2, @q 3, @i 4, @u 5, @x 6, @t 7, 8.5)",
    "(@o '/a/b', @g 'a{sv}', 'text')",
    "(@ay [], @ay [1, 2, 3], @aq [1, 2], @au [1], @at [1, 2])",
    "(@as [], ['', 'a', 'bcd'])",
    "([true, false, true],)",
    "([@ay [1], []], 'size')",
    "('org.example.Thing', {'A': <'x'>, 'B': <@ay [1, 2, 3]>, 'C': <true>}, @as [])",
    "(@a{oa{sa{sv}}} {'/a': {'b': {'c': <byte 1>, 'd': <@t 2>}}, '/e': {}},)",
    "((byte 1, (uint16 2, 'x')), <<('x', @ad [1.5])>>)",
};

/* Each body, behind so many bytes of another message, as GDBus reads it. */
static void
test_values(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(GVariant) parsed = g_variant_parse(NULL, bodies[i], NULL, NULL, NULL);
        g_autoptr(GVariant) body = g_variant_take_ref(g_steal_pointer(&parsed));
        const char *type = g_variant_get_type_string(body);
        g_autofree char *signature = g_strndup(type + 1, strlen(type) - 2);
        const ScdDbusHeader header = {.type = SCD_DBUS_SIGNAL,
                                      .serial = 7,
                                      .path = "/org/example",
                                      .interface = "org.example.Thing",
                                      .member = "Changed",
                                      .destination = i % 2 ? ":1.9" : NULL,
                                      .signature = signature};
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GError) error = NULL;

        g_test_message("%s", bodies[i]);
        g_byte_array_append(bytes, (const guint8 *)"xxxxxxx", i % 8);
        gsize start = bytes->len;
        scd_dbus_append_header(bytes, &header);
        scd_dbus_append_value(bytes, start, body);
        scd_dbus_end_body(bytes, start);

        gsize length = bytes->len - start;
        g_autofree guint8 *blob = g_memdup2(bytes->data + start, length);
        g_autoptr(GDBusMessage) message =
            g_dbus_message_new_from_blob(blob, length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(g_dbus_message_get_path(message), ==, header.path);
        g_assert_cmpstr(g_dbus_message_get_interface(message), ==, header.interface);
        g_assert_cmpstr(g_dbus_message_get_member(message), ==, header.member);
        g_assert_cmpstr(g_dbus_message_get_destination(message), ==, header.destination);
        g_assert_cmpuint(g_dbus_message_get_serial(message), ==, 7);
        g_assert_cmpvariant(g_dbus_message_get_body(message), body);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dbus-writer/errors", test_written_errors);
    g_test_add_func("/dbus-writer/values", test_values);
    return g_test_run();
}
