/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/gate.h"

#include <string.h>

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
    return scd_gate_admit(gate, &header, body, 4 + length, &error);
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
    g_assert_cmpint(scd_gate_reply(gate, ":1.1", 1, TRUE), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_reply(gate, ":1.1", 1, TRUE), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_reply(gate, ":1.2", 2, TRUE), ==, SCD_GATE_PASS);
    assert_usage(gate, 1, 4 * 1024);
    scd_gate_forget(gate, ":1.1");
    assert_usage(gate, 1, 4 * 1024);
    scd_gate_reply(gate, ":1.1", 2, TRUE);
    assert_usage(gate, 0, 0);
}

static void
test_unwanted_reply_is_dropped(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    ScdDbusHeader header = call_of(":1.1", 1, "org.smartcardd1.Manager", "FindReader");
    ScdGateError error;

    header.flags = SCD_DBUS_FLAG_NO_REPLY_EXPECTED;
    g_assert_cmpint(scd_gate_admit(gate, &header, NULL, 0, &error), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_reply(gate, ":1.1", 1, TRUE), ==, SCD_GATE_DROP);
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
        scd_gate_reply(gate, sender, 1, TRUE);
        scd_gate_reply(gate, sender, 2, TRUE);
    }
    scd_gate_reply(gate, ":1.200", 1, TRUE);
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
        admitted += admit_bytes(gate, ":1.1", serial, 1) != SCD_GATE_REFUSE;
    g_assert_cmpuint(admitted, ==, 1023);
    g_assert_cmpint(admit_bytes(gate, ":1.2", 1, 1), ==, SCD_GATE_PASS);
    scd_gate_reply(gate, ":1.2", 1, TRUE);
    scd_gate_forget(gate, ":1.1");
    for (guint serial = 1; serial < 5000; serial++)
        scd_gate_reply(gate, ":1.1", serial, TRUE);
    assert_usage(gate, 0, 0);
}

static ScdDbusHeader
signal_from(const char *sender, const char *destination)
{
    return (ScdDbusHeader){.type = SCD_DBUS_SIGNAL,
                           .sender = sender,
                           .destination = destination,
                           .path = "/",
                           .interface = "org.example",
                           .member = "Changed",
                           .signature = ""};
}

/* The service has subscribed to broadcast signals only. */
static void
test_signals_to_the_service_are_dropped(void)
{
    ScdDbusHeader broadcast = signal_from(":1.1", NULL), sent = signal_from(":1.1", ":1.2"),
                  of_bus = signal_from("org.freedesktop.DBus", ":1.2");
    ScdGateError error;

    g_assert_cmpint(scd_gate_check_header(&broadcast, 200, &error), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_check_header(&sent, 200, &error), ==, SCD_GATE_DROP);
    g_assert_cmpint(scd_gate_check_header(&of_bus, 200, &error), ==, SCD_GATE_PASS);
}

static void
test_replies_to_no_call_are_dropped(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    ScdDbusHeader reply = {
        .type = SCD_DBUS_METHOD_RETURN, .sender = ":1.1", .reply_serial = 7, .signature = ""};
    ScdGateError error;

    g_assert_cmpint(scd_gate_admit(gate, &reply, NULL, 0, &error), ==, SCD_GATE_DROP);
    scd_gate_expect_reply(gate, 7);
    g_assert_cmpint(scd_gate_admit(gate, &reply, NULL, 0, &error), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_admit(gate, &reply, NULL, 0, &error), ==, SCD_GATE_DROP);
}

/* A call that only replies, from a sender that wants no reply. */
static void
test_calls_without_effect_are_dropped(void)
{
    ScdDbusHeader get = call_of(":1.1", 1, "org.freedesktop.DBus.Properties", "Get");
    ScdDbusHeader set = call_of(":1.1", 1, "org.freedesktop.DBus.Properties", "Set");
    ScdDbusHeader all =
        call_of(":1.1", 1, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    ScdGateError error;

    g_assert_cmpint(scd_gate_check_header(&get, 200, &error), ==, SCD_GATE_PASS);
    get.flags = set.flags = all.flags = SCD_DBUS_FLAG_NO_REPLY_EXPECTED;
    g_assert_cmpint(scd_gate_check_header(&get, 200, &error), ==, SCD_GATE_DROP);
    g_assert_cmpint(scd_gate_check_header(&set, 200, &error), ==, SCD_GATE_PASS);
    g_assert_cmpint(scd_gate_check_header(&all, 200, &error), ==, SCD_GATE_DROP);
}

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define MANAGER "org.smartcardd1.Manager"
#define SESSION "org.smartcardd1.Session"

#define BURST 256
#define FREE_CALLS 2
#define FIRST_CALLS 16

/* The message is the serial of the call. */
static ScdGateVerdict
admit_call_of(ScdGate *gate, const char *sender, guint32 serial, const char *interface)
{
    ScdDbusHeader header = call_of(sender, serial, interface, "Get");
    ScdGateError error;

    return scd_gate_admit(gate, &header, (const guint8 *)&serial, sizeof serial, &error);
}

static guint32
take_held(ScdGate *gate, gboolean congested)
{
    g_autoptr(GByteArray) message = scd_gate_take_held(gate, congested);
    guint32 serial = 0;

    if (message)
        memcpy(&serial, message->data, sizeof serial);
    return serial;
}

/* Makes so many calls without a reply, and returns how many pass at once. The others are held. */
static guint
count_passed(ScdGate *gate, const char *sender, guint calls, const char *interface)
{
    guint passed = 0;

    for (guint32 serial = 1; serial <= calls; serial++) {
        ScdGateVerdict verdict = admit_call_of(gate, sender, serial, interface);
        g_assert_true(verdict == SCD_GATE_PASS || verdict == SCD_GATE_HOLD);
        passed += verdict == SCD_GATE_PASS;
    }
    return passed;
}

/* Returns how many tokens come back in the time since then, at most. */
static guint
tokens_since(gint64 start_us)
{
    return 1 + (g_get_monotonic_time() - start_us) * 1000 / G_USEC_PER_SEC;
}

static void
add_user(ScdGate *gate, const char *sender, guint uid)
{
    g_assert_cmpint(admit_call_of(gate, sender, 9999, MANAGER), ==, SCD_GATE_PASS);
    scd_gate_set_user(gate, sender, uid);
    scd_gate_reply(gate, sender, 9999, TRUE);
}

static void
test_rate_of_a_user(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    gint64 start_us = g_get_monotonic_time();

    add_user(gate, ":1.1", 1000);
    guint passed = count_passed(gate, ":1.1", 900, MANAGER);
    g_assert_cmpuint(passed, >=, BURST);
    g_assert_cmpuint(passed, <=, FREE_CALLS + BURST + tokens_since(start_us));
    g_assert_true(scd_gate_has_held(gate));

    /* Another sender of the user waits; another user and a new sender do not. */
    add_user(gate, ":1.2", 1000);
    g_assert_cmpuint(count_passed(gate, ":1.2", 900, MANAGER), <=, tokens_since(start_us));
    add_user(gate, ":1.3", 1001);
    g_assert_cmpuint(count_passed(gate, ":1.3", 100, MANAGER), ==, 100);
    g_assert_cmpuint(count_passed(gate, ":1.4", 10, MANAGER), ==, 10);

    /* A user that leaves and comes back has the same tokens. */
    scd_gate_forget(gate, ":1.1");
    scd_gate_forget(gate, ":1.2");
    for (guint32 serial = 1; serial <= 900; serial++) {
        scd_gate_reply(gate, ":1.1", serial, TRUE);
        scd_gate_reply(gate, ":1.2", serial, TRUE);
    }
    add_user(gate, ":1.5", 1000);
    g_assert_cmpuint(count_passed(gate, ":1.5", 900, MANAGER), <=,
                     FREE_CALLS + tokens_since(start_us));
    scd_gate_forget(gate, ":1.5");
    g_assert_false(scd_gate_has_held(gate));
}

/* In order, and the senders in turn. */
static void
test_held_calls_pass_later(void)
{
    g_autoptr(ScdGate) gate = new_gate();

    add_user(gate, ":1.1", 1000);
    guint32 next = 1 + count_passed(gate, ":1.1", 500, MANAGER);
    for (guint32 serial = 1; serial < next; serial++)
        scd_gate_reply(gate, ":1.1", serial, TRUE);
    while (next <= 500) {
        guint32 serial = take_held(gate, FALSE);
        if (serial == 0)
            continue;
        g_assert_cmpuint(serial, ==, next++);
        scd_gate_reply(gate, ":1.1", serial, TRUE);
    }
    g_assert_false(scd_gate_has_held(gate));
    assert_usage(gate, 0, 0);
}

static void
test_rate_of_root(void)
{
    g_autoptr(ScdGate) gate = new_gate();

    add_user(gate, ":1.1", 0);
    g_assert_cmpuint(count_passed(gate, ":1.1", 1000, PROPERTIES), ==, 1000);
}

/* One call after the other, as a program makes them that waits for each reply. */
static void
test_rate_of_one_call_at_a_time(void)
{
    g_autoptr(ScdGate) gate = new_gate();

    add_user(gate, ":1.1", 1000);
    for (guint32 serial = 1; serial < 20000; serial++) {
        g_assert_cmpint(admit_call_of(gate, ":1.1", serial, PROPERTIES), ==, SCD_GATE_PASS);
        scd_gate_reply(gate, ":1.1", serial, TRUE);
    }
}

/* Successful commands give their tokens back, however many wait; those that fail do not. */
static void
test_rate_of_commands(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    guint passed = 0;

    add_user(gate, ":1.1", 1000);
    count_passed(gate, ":1.1", 10, SESSION);
    for (guint32 serial = 100; serial < 20000; serial++) {
        g_assert_cmpint(admit_call_of(gate, ":1.1", serial, SESSION), ==, SCD_GATE_PASS);
        scd_gate_reply(gate, ":1.1", serial, TRUE);
    }
    for (guint32 serial = 20000; serial < 20900; serial++) {
        if (admit_call_of(gate, ":1.1", serial, SESSION) != SCD_GATE_PASS)
            continue;
        scd_gate_reply(gate, ":1.1", serial, FALSE);
        passed++;
    }
    g_assert_cmpuint(passed, <, 900);
}

/* The replies of a user that wait for the bus are few, and fewer while the bus is behind. */
static void
test_queries_at_once(void)
{
    g_autoptr(ScdGate) gate = new_gate();

    add_user(gate, ":1.1", 1000);
    guint before = count_passed(gate, ":1.1", 200, PROPERTIES);
    g_assert_cmpuint(before, ==, 32);
    g_assert_cmpuint(take_held(gate, FALSE), ==, 0);
    for (guint32 serial = 1; serial <= before; serial++)
        scd_gate_reply(gate, ":1.1", serial, TRUE);
    gint64 start_us = g_get_monotonic_time();
    for (guint after = 0; after < 10;) {
        guint32 serial = take_held(gate, TRUE);
        if (serial == 0)
            continue;
        g_assert_cmpint(g_get_monotonic_time() - start_us, >=, after++ * 5000);
        scd_gate_reply(gate, ":1.1", serial, TRUE);
    }

    add_user(gate, ":1.2", 1001);
    before = count_passed(gate, ":1.2", 50, "org.freedesktop.DBus.ObjectManager");
    g_assert_cmpuint(before, ==, FREE_CALLS);
}

/* The bytes of a long reply are charged until it has left, and count against the rate. */
static void
test_long_replies(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    guint calls;
    gsize bytes;

    add_user(gate, ":1.1", 1000);
    count_passed(gate, ":1.1", 3, MANAGER);
    g_assert_cmpint(admit_call_of(gate, ":1.1", 4, "org.freedesktop.DBus.ObjectManager"), ==,
                    SCD_GATE_PASS);
    scd_gate_charge_reply(gate, ":1.1", 4, 1 * MIB);
    scd_gate_charge_reply(gate, ":1.1", 77, 1 * MIB);
    scd_gate_charge_reply(gate, ":1.77", 1, 1 * MIB);
    scd_gate_get_usage(gate, &calls, &bytes);
    g_assert_cmpuint(bytes, >=, 1 * MIB);
    g_assert_cmpuint(bytes, <, 2 * MIB);
    g_assert_cmpint(admit_call_of(gate, ":1.1", 5, MANAGER), ==, SCD_GATE_HOLD);
    scd_gate_forget(gate, ":1.1");
    for (guint32 serial = 1; serial <= 4; serial++)
        scd_gate_reply(gate, ":1.1", serial, TRUE);
    assert_usage(gate, 0, 0);
}

/* Senders that leave before their user is known do not use up the first calls of others. */
static void
test_rate_of_unknown_users(void)
{
    g_autoptr(ScdGate) gate = new_gate();
    gint64 start_us = g_get_monotonic_time();
    guint passed = 0;

    for (guint i = 0; i < 100; i++) {
        g_autofree char *sender = g_strdup_printf(":1.%u", i);
        guint of_sender = count_passed(gate, sender, 100, MANAGER);
        g_assert_cmpuint(of_sender, >=, FIRST_CALLS);
        passed += of_sender;
        scd_gate_forget(gate, sender);
        for (guint32 serial = 1; serial <= of_sender; serial++)
            scd_gate_reply(gate, sender, serial, TRUE);
    }
    g_assert_cmpuint(passed, <=, 100 * FIRST_CALLS + BURST + tokens_since(start_us));
    assert_usage(gate, 0, 0);
}

static void
test_serial_used_twice(void)
{
    g_autoptr(ScdGate) gate = new_gate();

    g_assert_cmpint(admit_bytes(gate, ":1.1", 1, 1), ==, SCD_GATE_PASS);
    g_assert_cmpint(admit_bytes(gate, ":1.1", 1, 1), ==, SCD_GATE_REFUSE);
    scd_gate_reply(gate, ":1.1", 1, TRUE);
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
    g_test_add_func("/gate/signals-to-the-service", test_signals_to_the_service_are_dropped);
    g_test_add_func("/gate/replies-to-no-call", test_replies_to_no_call_are_dropped);
    g_test_add_func("/gate/calls-without-effect", test_calls_without_effect_are_dropped);
    g_test_add_func("/gate/rate/user", test_rate_of_a_user);
    g_test_add_func("/gate/rate/held-calls", test_held_calls_pass_later);
    g_test_add_func("/gate/rate/queries-at-once", test_queries_at_once);
    g_test_add_func("/gate/rate/long-replies", test_long_replies);
    g_test_add_func("/gate/rate/root", test_rate_of_root);
    g_test_add_func("/gate/rate/one-call-at-a-time", test_rate_of_one_call_at_a_time);
    g_test_add_func("/gate/rate/commands", test_rate_of_commands);
    g_test_add_func("/gate/rate/unknown-users", test_rate_of_unknown_users);
    return g_test_run();
}
