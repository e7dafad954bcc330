/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/gate.h"

#define MIB (1024 * 1024)

static guint n_lookups;

static void
count_lookup(const char *sender, gpointer data)
{
    n_lookups++;
}

static ScdGate *
new_gate(void)
{
    ScdGate *gate = scd_gate_new();

    n_lookups = 0;
    scd_gate_on_unknown_sender(gate, count_lookup, NULL);
    return gate;
}

static ScdDbusHeader
call_of(const char *sender, guint32 serial, const char *interface, const char *member)
{
    return (ScdDbusHeader){
        .type = SCD_DBUS_METHOD_CALL,
        .serial = serial,
        .sender = sender,
        .path = "/org/smartcardd1",
        .interface = interface,
        .member = member,
        .signature = "",
    };
}

/* A call with a byte array of that length for its body. */
static ScdGateVerdict
admit_bytes(ScdGate *gate, const char *sender, guint32 serial, guint32 length)
{
    g_autofree guint8 *body = g_malloc0(4 + length);
    ScdDbusHeader header = call_of(sender, serial, "org.smartcardd1.Session", "TransmitMany");
    ScdGateError error;

    *(guint32 *)body = GUINT32_TO_LE(length);
    header.signature = "ay";
    header.body_length = 4 + length;
    return scd_gate_admit(gate, &header, body, &error);
}

static void
assert_usage(ScdGate *gate, guint calls, gsize bytes_max)
{
    guint now;
    gsize bytes;

    scd_gate_get_usage(gate, &now, &bytes);
    g_assert_cmpuint(now, ==, calls);
    g_assert_cmpuint(bytes, <=, bytes_max);
}

static void
assert_refused(ScdDbusHeader header, gsize length, const char *name)
{
    ScdGateError error;

    g_assert_cmpint(scd_gate_check_header(&header, length, &error), ==, SCD_GATE_REFUSE);
    g_assert_cmpstr(error.name, ==, name);
}

static void
test_headers(void)
{
    ScdDbusHeader header = call_of(":1.1", 1, "org.smartcardd1.Manager", "FindReader");
    ScdGateError error;
    g_autofree char *long_name = g_strnfill(600, 'a');
    g_autofree char *long_path = g_strconcat("/org/smartcardd1/readers/", long_name, NULL);

    g_assert_cmpint(scd_gate_check_header(&header, 200, &error), ==, SCD_GATE_PASS);
    header.body_length = 5000;
    assert_refused(header, 5200, "org.freedesktop.DBus.Error.LimitsExceeded");
    header.interface = "org.smartcardd1.Session";
    header.member = "Transmit";
    g_assert_cmpint(scd_gate_check_header(&header, 5200, &error), ==, SCD_GATE_PASS);
    header.body_length = 70000;
    assert_refused(header, 70200, "org.freedesktop.DBus.Error.LimitsExceeded");
    header.body_length = 0;
    header.unix_fds = 1;
    assert_refused(header, 200, "org.freedesktop.DBus.Error.InvalidArgs");
    header.unix_fds = 0;
    header.path = long_path;
    assert_refused(header, 500, "org.freedesktop.DBus.Error.UnknownObject");
}

static void
test_others_are_dropped(void)
{
    ScdDbusHeader header = {.type = SCD_DBUS_SIGNAL, .sender = ":1.1", .body_length = 1 * MIB};
    ScdGateError error;

    g_assert_cmpint(scd_gate_check_header(&header, 1 * MIB, &error), ==, SCD_GATE_DROP);
    header.body_length = 100;
    g_assert_cmpint(scd_gate_check_header(&header, 200, &error), ==, SCD_GATE_PASS);
}

static void
test_charge_ends_with_the_reply(void)
{
    g_autoptr(ScdGate) gate = new_gate();

    g_assert_cmpint(admit_bytes(gate, ":1.1", 1, 100), ==, SCD_GATE_PASS);
    g_assert_cmpint(admit_bytes(gate, ":1.1", 2, 100), ==, SCD_GATE_PASS);
    g_assert_cmpuint(n_lookups, ==, 1);
    assert_usage(gate, 2, 8 * 1024);
    g_assert_cmpint(scd_gate_reply(gate, ":1.1", 1), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_reply(gate, ":1.1", 1), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_reply(gate, ":1.2", 2), ==, SCD_GATE_PASS);
    assert_usage(gate, 1, 4 * 1024);
    scd_gate_forget(gate, ":1.1");
    assert_usage(gate, 1, 4 * 1024);
    scd_gate_reply(gate, ":1.1", 2);
    assert_usage(gate, 0, 0);
}

static void
test_unwanted_reply_is_dropped(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    ScdDbusHeader header = call_of(":1.1", 1, "org.smartcardd1.Manager", "FindReader");
    ScdGateError error;

    header.flags = SCD_DBUS_FLAG_NO_REPLY_EXPECTED;
    g_assert_cmpint(scd_gate_admit(gate, &header, NULL, &error), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_reply(gate, ":1.1", 1), ==, SCD_GATE_DROP);
    assert_usage(gate, 0, 0);
}

/* The calls of all senders of a user are bounded, for any number of senders and any order of
 * events. */
static void
test_user_is_charged(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    guint admitted = 0;

    for (guint i = 0; i < 100; i++) {
        g_autofree char *sender = g_strdup_printf(":1.%u", i);
        admitted += admit_bytes(gate, sender, 1, 1 * MIB) == SCD_GATE_PASS;
        scd_gate_set_user(gate, sender, 1000);
        admitted += admit_bytes(gate, sender, 2, 1 * MIB) == SCD_GATE_PASS;
    }
    g_assert_cmpuint(admitted, >=, 6);
    g_assert_cmpuint(admitted, <=, 8);
    assert_usage(gate, admitted, 16 * MIB);

    scd_gate_set_user(gate, ":1.200", 1001);
    g_assert_cmpint(admit_bytes(gate, ":1.200", 1, 100), ==, SCD_GATE_PASS);
    for (guint i = 0; i < 100; i++) {
        g_autofree char *sender = g_strdup_printf(":1.%u", i);
        scd_gate_forget(gate, sender);
        scd_gate_reply(gate, sender, 1);
        scd_gate_reply(gate, sender, 2);
    }
    scd_gate_reply(gate, ":1.200", 1);
    assert_usage(gate, 0, 0);
}

static void
test_calls_are_counted(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    guint admitted = 0;

    admit_bytes(gate, ":1.1", 1, 1);
    scd_gate_set_user(gate, ":1.1", 1000);
    for (guint serial = 2; serial < 5000; serial++)
        admitted += admit_bytes(gate, ":1.1", serial, 1) == SCD_GATE_PASS;
    g_assert_cmpuint(admitted, ==, 1023);
    g_assert_cmpint(admit_bytes(gate, ":1.2", 1, 1), ==, SCD_GATE_PASS);
    scd_gate_reply(gate, ":1.2", 1);
    for (guint serial = 1; serial < 5000; serial++)
        scd_gate_reply(gate, ":1.1", serial);
    assert_usage(gate, 0, 0);
}

static void
test_serial_used_twice(void)
{
    g_autoptr(ScdGate) gate = new_gate();

    g_assert_cmpint(admit_bytes(gate, ":1.1", 1, 1), ==, SCD_GATE_PASS);
    g_assert_cmpint(admit_bytes(gate, ":1.1", 1, 1), ==, SCD_GATE_REFUSE);
    scd_gate_reply(gate, ":1.1", 1);
    assert_usage(gate, 0, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gate/headers", test_headers);
    g_test_add_func("/gate/others-are-dropped", test_others_are_dropped);
    g_test_add_func("/gate/charge-ends-with-the-reply", test_charge_ends_with_the_reply);
    g_test_add_func("/gate/unwanted-reply-is-dropped", test_unwanted_reply_is_dropped);
    g_test_add_func("/gate/user-is-charged", test_user_is_charged);
    g_test_add_func("/gate/calls-are-counted", test_calls_are_counted);
    g_test_add_func("/gate/serial-used-twice", test_serial_used_twice);
    return g_test_run();
}
