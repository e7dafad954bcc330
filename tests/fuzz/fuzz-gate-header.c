/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as the header of a message on the bus, for the gate, and as a list of choices of what
 * it contains: mutated bytes are seldom a call of an object that exists.
 */

#include "bus/gate.h"

#include "fuzz.h"

#define ROOT "/org/smartcardd1"
#define PREFIX "org.smartcardd1."
#define BUS "org.freedesktop.DBus"

static void
check_gate(const ScdDbusHeader *header, gsize length)
{
    ScdGateError error = {0};
    ScdGateVerdict verdict = scd_gate_check_header(header, length, &error);

    g_assert_cmpint(verdict, !=, SCD_GATE_HOLD);
    if (verdict == SCD_GATE_REFUSE)
        g_assert_true(error.name != NULL && error.text != NULL);
    if (verdict == SCD_GATE_PASS && header->type == SCD_DBUS_METHOD_CALL) {
        g_assert_cmpuint(length, <=, scd_gate_message_max());
        g_assert_cmpuint(header->body_length, <=, scd_gate_find_body_limit(header)->body_max);
        g_assert_true(header->sender != NULL && header->path != NULL && header->member != NULL);
        g_assert_cmpuint(header->unix_fds, ==, 0);
    }
    scd_gate_weigh_reply(header);
    scd_gate_uses_card(header);
}

static void
check_bytes(const guint8 *data, gsize size)
{
    gsize header_length, length;
    ScdDbusHeader header;

    if (size >= SCD_DBUS_FIXED_HEADER && scd_dbus_measure(data, &header_length, &length) &&
        size >= header_length && scd_dbus_read_header(data, header_length, &header))
        check_gate(&header, length);
}

/* Returns one of the texts, any text, which it adds to any, or NULL. */
static const char *
take_text(ScdFuzzInput *input, const char *const *known, GPtrArray *any)
{
    guint n_known = g_strv_length((char **)known);
    guint choice = scd_fuzz_pick(input, n_known + 2);

    if (choice != n_known)
        return choice < n_known ? known[choice] : NULL;
    char *text = scd_fuzz_take_utf8(input);
    g_ptr_array_add(any, text);
    return text;
}

static void
take_header(ScdFuzzInput *input, ScdDbusHeader *header, GPtrArray *any)
{
    static const char *const paths[] = {ROOT "/sessions/1",
                                        ROOT "/cards/1",
                                        ROOT "/readers/A",
                                        ROOT "/sessions",
                                        ROOT "/cards/1/2",
                                        ROOT "/cards2/1",
                                        "/",
                                        ROOT "/readers/A_b",
                                        NULL};
    static const char *const interfaces[] = {
        PREFIX "Session",      PREFIX "Card",        PREFIX "Reader",
        BUS ".Introspectable", BUS ".ObjectManager", BUS ".Peer",
        BUS ".Properties",     PREFIX "Sess",        NULL};
    static const char *const members[] = {
        "Transmit",        "TransmitMany", "Control", "TransmitHex",
        "TransmitManyHex", "GetAll",       "Set",     NULL};
    static const char *const names[] = {":1.7", BUS, NULL};

    header->type = (guint8)(SCD_DBUS_METHOD_CALL + scd_fuzz_pick(input, 5));
    header->flags = scd_fuzz_take_byte(input);
    header->serial = 1;
    header->path = take_text(input, paths, any);
    header->interface = take_text(input, interfaces, any);
    header->member = take_text(input, members, any);
    header->sender = take_text(input, names, any);
    header->destination = take_text(input, names, any);
    header->error_name = take_text(input, interfaces, any);
    header->signature = scd_fuzz_pick(input, 2) == 0 ? "" : "ay";
    header->unix_fds = scd_fuzz_pick(input, 4) == 3;
    header->body_length = scd_fuzz_take_u32(input);
    header->reply_serial = scd_fuzz_take_byte(input);
}

/* What is written is read again. */
static void
check_written(const ScdDbusHeader *header)
{
    g_autoptr(GByteArray) message = g_byte_array_new();
    gsize header_length, length;
    ScdDbusHeader read;

    scd_dbus_append_header(message, header);
    if ((header->path != NULL && !g_variant_is_object_path(header->path)) ||
        !scd_dbus_measure(message->data, &header_length, &length))
        return;
    g_assert_cmpuint(header_length, ==, message->len);
    g_assert_true(scd_dbus_read_header(message->data, header_length, &read));
    g_assert_cmpuint(read.type, ==, header->type);
    g_assert_cmpuint(read.body_length, ==, header->body_length);
    g_assert_cmpuint(read.reply_serial, ==, header->reply_serial);
    g_assert_cmpstr(read.path, ==, header->path);
    g_assert_cmpstr(read.interface, ==, header->interface);
    g_assert_cmpstr(read.member, ==, header->member);
    g_assert_cmpstr(read.error_name, ==, header->error_name);
    g_assert_cmpstr(read.destination, ==, header->destination);
    g_assert_cmpstr(read.signature, ==, header->signature);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GPtrArray) any = g_ptr_array_new_with_free_func(g_free);
    ScdFuzzInput input = {data, size};
    ScdDbusHeader header = {0};

    check_bytes(data, size);
    take_header(&input, &header, any);
    check_gate(&header, scd_fuzz_take_u16(&input) + header.body_length);
    check_written(&header);
    return 0;
}
