/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cost of the client library (client/).
 *
 *   glib-client transmit READER LENGTH ROUNDS CALLS
 *
 * Prints one line for each round: microseconds for each of CALLS commands, by a bare channel, once
 * more, by synchronous and by asynchronous calls of the library, one at a time; then 32 in flight
 * by a bare channel, by transmit_many() and its asynchronous twin, and by 32 calls of
 * transmit_async().
 *
 *   glib-client load ROUNDS
 *
 * Prints one line for each round: microseconds to connect to the bus and call GetManagedObjects,
 * once more, and to make a client.
 *
 *   glib-client watch library|stock
 *
 * Watches all readers without end, by the library or by a GDBusObjectManagerClient; prints a line
 * when all is loaded.
 */

#include <smartcardd-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "measure.h"

#define IN_FLIGHT 32

static struct {
    Client bare;
    SmartcarddClient *client;
    SmartcarddSession *session;
    GBytes *command;
    GPtrArray *commands;
    const guint8 *bytes;
    gsize length;
    int pending;
} bench;

static void
transmit_bare(int calls)
{
    while (calls-- > 0)
        client_transmit(&bench.bare, bench.bytes, bench.length);
}

static void
transmit_bare_in_flight(int calls)
{
    for (; calls > 0; calls -= IN_FLIGHT)
        client_transmit_in_flight(&bench.bare, bench.bytes, bench.length, IN_FLIGHT);
}

static void
transmit_synchronously(int calls)
{
    while (calls-- > 0) {
        GBytes *response = smartcardd_session_transmit(bench.session, bench.command,
                                                       SMARTCARDD_TIMEOUT_DEFAULT, NULL, NULL);
        check(response != NULL, "transmit");
        g_bytes_unref(response);
    }
}

static void
handle_response(GObject *source, GAsyncResult *result, gpointer data)
{
    GBytes *response = smartcardd_session_transmit_finish(SMARTCARDD_SESSION(source), result, NULL);

    check(response != NULL, "transmit_async");
    g_bytes_unref(response);
    bench.pending--;
}

static void
transmit_asynchronously_at_once(int calls, int at_once)
{
    for (; calls > 0; calls -= at_once) {
        for (bench.pending = 0; bench.pending < at_once; bench.pending++)
            smartcardd_session_transmit_async(bench.session, bench.command,
                                              SMARTCARDD_TIMEOUT_DEFAULT, NULL, handle_response,
                                              NULL);
        while (bench.pending > 0)
            g_main_context_iteration(NULL, TRUE);
    }
}

static void
transmit_asynchronously(int calls)
{
    transmit_asynchronously_at_once(calls, 1);
}

static void
transmit_asynchronously_in_flight(int calls)
{
    transmit_asynchronously_at_once(calls, IN_FLIGHT);
}

static void
transmit_many(int calls)
{
    for (; calls > 0; calls -= IN_FLIGHT) {
        GPtrArray *responses = smartcardd_session_transmit_many(
            bench.session, bench.commands, NULL, SMARTCARDD_TIMEOUT_DEFAULT, NULL, NULL);
        check(responses && responses->len == IN_FLIGHT, "transmit_many");
        g_ptr_array_unref(responses);
    }
}

static void
handle_responses(GObject *source, GAsyncResult *result, gpointer data)
{
    GPtrArray *responses =
        smartcardd_session_transmit_many_finish(SMARTCARDD_SESSION(source), result, NULL);

    check(responses && responses->len == IN_FLIGHT, "transmit_many_async");
    g_ptr_array_unref(responses);
    bench.pending--;
}

static void
transmit_many_asynchronously(int calls)
{
    for (; calls > 0; calls -= IN_FLIGHT) {
        bench.pending = 1;
        smartcardd_session_transmit_many_async(bench.session, bench.commands, NULL,
                                               SMARTCARDD_TIMEOUT_DEFAULT, NULL, handle_responses,
                                               NULL);
        while (bench.pending > 0)
            g_main_context_iteration(NULL, TRUE);
    }
}

static double
measure_calls(void (*transmit)(int calls), int calls)
{
    int64_t start = now_ns();

    transmit(calls);
    return (double)(now_ns() - start) / 1000 / calls;
}

/* The echo command of the card, as in the program transmit. */
static void
make_command(gsize length)
{
    guint8 *command = g_malloc0(length);

    command[0] = 0x80;
    command[1] = 0x10;
    if (length > 5)
        command[4] = (guint8)(length - 6);
    bench.command = g_bytes_new_take(command, length);
    bench.bytes = g_bytes_get_data(bench.command, &bench.length);
    bench.commands = g_ptr_array_new();
    for (int i = 0; i < IN_FLIGHT; i++)
        g_ptr_array_add(bench.commands, bench.command);
}

static void
open_session(const char *name)
{
    bench.client = smartcardd_client_new(NULL, NULL);
    check(bench.client != NULL, "client");
    SmartcarddReader *reader = smartcardd_client_find_reader(bench.client, name);
    check(reader != NULL, name);
    bench.session = smartcardd_reader_open_session(reader, SMARTCARDD_SHARE_MODE_SHARED,
                                                   SMARTCARDD_PROTOCOLS_ANY,
                                                   SMARTCARDD_TIMEOUT_DEFAULT, NULL, NULL);
    check(bench.session && smartcardd_session_has_channel(bench.session), "session");
}

static void
compare_transmit(char **arguments)
{
    static void (*const ways[])(int calls) = {
        transmit_bare,
        transmit_bare,
        transmit_synchronously,
        transmit_asynchronously,
        transmit_bare_in_flight,
        transmit_many,
        transmit_many_asynchronously,
        transmit_asynchronously_in_flight,
    };
    int rounds = atoi(arguments[2]), calls = atoi(arguments[3]);

    make_command(strtoul(arguments[1], NULL, 10));
    client_open(&bench.bare, CLIENT_CHANNEL, arguments[0]);
    open_session(arguments[0]);
    for (int round = rounds; round >= 0; round--) {
        for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
            double time = measure_calls(ways[i], calls);
            if (round < rounds) /* the first round is for warming up */
                printf("%f ", time);
        }
        if (round < rounds)
            printf("\n");
    }
    client_close(&bench.bare);
}

static void
load_objects(int calls)
{
    g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
    GDBusConnection *bus =
        g_dbus_connection_new_for_address_sync(address,
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, NULL);
    GVariant *reply = g_dbus_connection_call_sync(
        bus, "org.smartcardd1", "/org/smartcardd1", "org.freedesktop.DBus.ObjectManager",
        "GetManagedObjects", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

    check(reply != NULL, "GetManagedObjects");
    g_variant_unref(reply);
    g_object_unref(bus);
}

static void
make_client(int calls)
{
    SmartcarddClient *client = smartcardd_client_new(NULL, NULL);

    check(client != NULL, "client");
    g_object_unref(client);
}

static void
compare_load(int rounds)
{
    static void (*const ways[])(int calls) = {load_objects, load_objects, make_client};

    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++)
        ways[i](1);
    while (rounds-- > 0) {
        for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
            printf("%f ", measure_calls(ways[i], 1));
            while (g_main_context_iteration(NULL, FALSE))
                ;
        }
        printf("\n");
    }
}

static void
watch_readers(const char *kind)
{
    gpointer watcher;

    if (strcmp(kind, "library") == 0)
        watcher = smartcardd_client_new(NULL, NULL);
    else
        watcher = g_dbus_object_manager_client_new_for_bus_sync(
            G_BUS_TYPE_SYSTEM, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, "org.smartcardd1",
            "/org/smartcardd1", NULL, NULL, NULL, NULL, NULL);
    check(watcher != NULL, kind);
    puts("loaded");
    fflush(stdout);
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
}

int
main(int argc, char **argv)
{
    check(argc >= 3, "usage");
    if (strcmp(argv[1], "transmit") == 0 && argc == 6)
        compare_transmit(argv + 2);
    else if (strcmp(argv[1], "load") == 0)
        compare_load(atoi(argv[2]));
    else if (strcmp(argv[1], "watch") == 0)
        watch_readers(argv[2]);
    else
        check(0, "usage");
    return 0;
}
