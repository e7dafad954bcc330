/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cost of a command by each path to the card.
 *
 *   transmit READER NAME LENGTH ROUNDS CALLS PATH...
 *
 * Prints one line for each round (see next_round()): microseconds for each of CALLS commands, by
 * each of the paths, one after the other. CALLS is a multiple of 32. The paths are in the table
 * below; the times of connect and connect-directly are those of a connection and its end. NAME: of
 * the echo on the bus; for the path question, of a client that polkit is asked about.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare.h"
#include "client.h"
#include "gdbus-client.h"
#include "measure.h"

#define COMMAND_MAX 65544
#define SHORT_MAX 261
#define AT_ONCE 32
#define PATHS_MAX 16

static struct {
    const char *reader;
    Client plain, session, channel, bare, echo;
    GdbusClient *gdbus;
    const char *name;
    uint8_t command[COMMAND_MAX];
    size_t length;
} bench;

static void
transmit_directly(int calls)
{
    while (calls-- > 0)
        client_transmit(&bench.plain, bench.command, bench.length);
}

static void
transmit_from_scratch(int calls)
{
    while (calls-- > 0)
        client_transmit_from_scratch(&bench.plain, bench.reader, bench.command, bench.length);
}

static void
connect_directly(int calls)
{
    while (calls-- > 0)
        client_connect_and_close(&bench.plain, bench.reader);
}

static void
transmit_on_channel(int calls)
{
    while (calls-- > 0)
        client_transmit(&bench.channel, bench.command, bench.length);
}

static void
transmit_in_flight(int calls)
{
    client_transmit_in_flight(&bench.channel, bench.command, bench.length, calls);
}

static void
transmit_on_bare_channel(int calls)
{
    while (calls-- > 0)
        client_transmit(&bench.bare, bench.command, bench.length);
}

static void
transmit_in_flight_on_bare_channel(int calls)
{
    client_transmit_in_flight(&bench.bare, bench.command, bench.length, calls);
}

static void
transmit_in_session(int calls)
{
    while (calls-- > 0)
        client_transmit(&bench.session, bench.command, bench.length);
}

static void
transmit_by_gdbus(int calls)
{
    while (calls-- > 0)
        gdbus_client_transmit(bench.gdbus, bench.command, bench.length);
}

static void
transmit_many(int calls, int at_once)
{
    for (; calls > 0; calls -= at_once)
        client_transmit_many(&bench.session, bench.command, bench.length, at_once);
}

static void
transmit_many_32(int calls)
{
    transmit_many(calls, AT_ONCE);
}

static void
transmit_many_8(int calls)
{
    transmit_many(calls, 8);
}

static void
transmit_on_card(int calls)
{
    while (calls-- > 0)
        client_transmit_on_card(&bench.session, bench.command, bench.length);
}

static void
connect_session(int calls)
{
    while (calls-- > 0)
        client_connect_and_close(&bench.session, bench.reader);
}

static void
transmit_to_echo(int calls)
{
    while (calls-- > 0)
        client_transmit(&bench.echo, bench.command, bench.length);
}

/* As many bytes as transmit_many_32() sends, in as many messages. */
static void
transmit_many_to_echo(int calls)
{
    static uint8_t bytes[AT_ONCE * COMMAND_MAX];

    for (; calls > 0; calls -= AT_ONCE)
        client_transmit(&bench.echo, bytes, AT_ONCE * bench.length);
}

static void
ask_polkit(int calls)
{
    while (calls-- > 0)
        client_ask_polkit(&bench.session, bench.name);
}

static const struct {
    const char *name;
    void (*transmit)(int calls);
} paths[] = {
    {"direct", transmit_directly},
    {"direct-from-scratch", transmit_from_scratch},
    {"connect-directly", connect_directly},
    {"channel", transmit_on_channel},
    {"in-flight", transmit_in_flight},
    {"bare", transmit_on_bare_channel},
    {"bare-in-flight", transmit_in_flight_on_bare_channel},
    {"session", transmit_in_session},
    {"gdbus", transmit_by_gdbus},
    {"many-32", transmit_many_32},
    {"many-8", transmit_many_8},
    {"card", transmit_on_card},
    {"connect", connect_session},
    {"echo", transmit_to_echo},
    {"echo-32", transmit_many_to_echo},
    {"question", ask_polkit},
};

static size_t
find_path(const char *name)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (strcmp(paths[i].name, name) == 0)
            return i;
    fprintf(stderr, "transmit: there is no path '%s'\n", name);
    exit(2);
}

/* The echo command of the card: without data it returns two bytes, else the data and two more. */
static void
make_command(size_t length)
{
    bench.length = length;
    bench.command[0] = 0x80;
    bench.command[1] = 0x10;
    if (length > SHORT_MAX) { /* no Le: 4 of header, 3 of Lc, data */
        bench.command[5] = (uint8_t)((length - 7) >> 8);
        bench.command[6] = (uint8_t)(length - 7);
    } else if (length > 5) { /* 4 of header, Lc, data, Le */
        bench.command[4] = (uint8_t)(length - 6);
    }
}

static double
measure(size_t path, int calls)
{
    int64_t begin = now_ns();

    paths[path].transmit(calls);
    return (double)(now_ns() - begin) / 1000 / calls;
}

int
main(int argc, char **argv)
{
    size_t chosen[PATHS_MAX];
    int count = argc - 6;

    if (count < 1 || count > PATHS_MAX) {
        fprintf(stderr, "Usage: transmit READER NAME LENGTH ROUNDS CALLS PATH...\n");
        return 2;
    }
    for (int i = 0; i < count; i++)
        chosen[i] = find_path(argv[6 + i]);
    bench.reader = argv[1];
    bench.name = argv[2];
    make_command(strtoul(argv[3], NULL, 10));
    int calls = atoi(argv[5]);
    bench.bare = (Client){.kind = CLIENT_CHANNEL, .channel = bare_channel_open(bench.reader)};
    client_open(&bench.plain, CLIENT_PLAIN, bench.reader);
    client_open(&bench.session, CLIENT_SESSION, bench.reader);
    client_open(&bench.channel, CLIENT_CHANNEL, bench.reader);
    client_open_echo(&bench.echo, argv[2]);
    bench.gdbus = gdbus_client_open(bench.reader);

    while (next_round(argv[4])) {
        for (int i = 0; i < count; i++)
            printf("%.2f ", measure(chosen[i], calls));
        printf("\n");
        fflush(stdout);
    }
    gdbus_client_close(bench.gdbus);
    client_close(&bench.channel);
    client_close(&bench.session);
    client_close(&bench.plain);
    return 0;
}
