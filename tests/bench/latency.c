/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The time from the insertion of a card into a simulated reader until a program is notified:
 * directly by SCardGetStatusChange, and by the service's signal CardInserted.
 *
 *   latency SIMULATOR-SOCKET READER SERVICE-PID ROUNDS SETTLE
 *
 * SETTLE: the milliseconds between the begin of a wait and the insertion of the card. The service
 * has five times as long to process the events that it missed while it was stopped.
 *
 * Prints one line for each round, in microseconds: direct, direct again, bus, and the time of the
 * bus alone for three signals like those of an insertion, from one sd-bus program to another. While
 * the direct program waits the service is stopped, and while the bus client waits there is no
 * direct program: each is measured alone, as it is alone on a desktop.
 */

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include <winscard.h>

#include "measure.h"
#include "signals.h"
#include "sim-client.h"

static const char *reader;
static int64_t settle_ns;
static int64_t signalled_at; /* for the bus alone */

static void *
order_later(void *what)
{
    sleep_ns(settle_ns);
    sim_client_order(what, reader);
    return NULL;
}

/*
 * Changes the card while the calling thread is in wait(); returns the time in between in
 * microseconds.
 */
static double
measure_wait(const char *what, void (*wait)(void *), void *data)
{
    pthread_t thread;

    check(pthread_create(&thread, NULL, order_later, (void *)what) == 0, "thread");
    wait(data);
    int64_t notified_at = now_ns();
    pthread_join(thread, NULL);
    return (double)(notified_at - sim_client_ordered_at()) / 1000;
}

typedef struct {
    SCARDCONTEXT context;
    SCARD_READERSTATE state;
} DirectWait;

/*
 * With pcsc-lite 2.5 a call may fail if another event happens at that moment; the next one
 * succeeds.
 */
static int
is_transient(LONG code)
{
    return code == SCARD_E_UNKNOWN_READER || code == SCARD_E_UNSUPPORTED_FEATURE;
}

static void
wait_directly(void *data)
{
    DirectWait *direct = data;
    LONG code = SCARD_E_UNKNOWN_READER;

    for (int tries = 0; tries < 5 && is_transient(code); tries++)
        code = SCardGetStatusChange(direct->context, 20000, &direct->state, 1);
    check(code == SCARD_S_SUCCESS, pcsc_stringify_error(code));
    direct->state.dwCurrentState = direct->state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
}

static double
measure_directly(DirectWait *direct)
{
    /* Reads the current state first. */
    direct->state.dwCurrentState = SCARD_STATE_UNAWARE;
    wait_directly(direct);
    double time = measure_wait("insert", wait_directly, direct);
    sim_client_order("remove", reader);
    wait_directly(direct);
    return time;
}

typedef struct {
    sd_bus *bus;
    const char *awaited;
    int n_signals;
} SignalClient;

static int
count_signal(sd_bus_message *message, void *data, sd_bus_error *error)
{
    SignalClient *client = data;
    if (sd_bus_message_is_signal(message, "org.smartcardd1.Reader", client->awaited))
        client->n_signals++;
    return 0;
}

static void
wait_on_bus(void *data)
{
    SignalClient *client = data;
    for (client->n_signals = 0; client->n_signals == 0;) {
        int done = sd_bus_process(client->bus, NULL);
        check(done >= 0, "sd_bus_process");
        if (done == 0)
            check(sd_bus_wait(client->bus, 20000000) > 0, "signal");
    }
}

static double
measure_on_bus(SignalClient *client)
{
    client->awaited = "CardInserted";
    double time = measure_wait("insert", wait_on_bus, client);
    client->awaited = "CardRemoved";
    measure_wait("remove", wait_on_bus, client);
    return time;
}

/* Replaces the service. */
static void *
signal_later(void *bus)
{
    sleep_ns(settle_ns);
    signalled_at = now_ns();
    send_signals(bus, "Last");
    return NULL;
}

static double
measure_bare_bus(SignalClient *client, sd_bus *sender)
{
    pthread_t thread;

    client->awaited = "Last";
    check(pthread_create(&thread, NULL, signal_later, sender) == 0, "thread");
    wait_on_bus(client);
    int64_t notified_at = now_ns();
    pthread_join(thread, NULL);
    return (double)(notified_at - signalled_at) / 1000;
}

int
main(int argc, char **argv)
{
    char name[128];
    DirectWait direct = {0};
    SignalClient client = {0};
    sd_bus *sender = NULL;
    DWORD names_length = 0;

    if (argc != 6) {
        fprintf(stderr, "Usage: latency SIMULATOR-SOCKET READER SERVICE-PID ROUNDS SETTLE\n");
        return 2;
    }
    sim_client_connect(argv[1]);
    reader = argv[2];
    settle_ns = atoi(argv[5]) * INT64_C(1000000);
    snprintf(name, sizeof name, "Simulated Reader %s 00 00", reader);
    pid_t service = atoi(argv[3]);

    /* pcsc-lite 2.5 requires a list of the readers before a wait. */
    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &direct.context) ==
                  SCARD_S_SUCCESS &&
              SCardListReaders(direct.context, NULL, NULL, &names_length) == SCARD_S_SUCCESS,
          "SCardEstablishContext");
    direct.state.szReader = name;
    check(sd_bus_open_system(&client.bus) >= 0 && sd_bus_open_system(&sender) >= 0, "bus");
    check(sd_bus_match_signal(client.bus, NULL, NULL, NULL, "org.smartcardd1.Reader", NULL,
                              count_signal, &client) >= 0,
          "match");

    for (int round = atoi(argv[4]); round > 0; round--) {
        check(kill(service, SIGSTOP) == 0, "SIGSTOP");
        double first = measure_directly(&direct);
        double second = measure_directly(&direct);
        check(kill(service, SIGCONT) == 0, "SIGCONT");
        /* Discards the signals for the events that the service missed. */
        sleep_ns(5 * settle_ns);
        while (sd_bus_process(client.bus, NULL) > 0)
            ;
        double bus = measure_on_bus(&client);
        printf("%.1f %.1f %.1f %.1f\n", first, second, bus, measure_bare_bus(&client, sender));
        fflush(stdout);
    }
    sd_bus_unref(client.bus);
    sd_bus_unref(sender);
    SCardReleaseContext(direct.context);
    return 0;
}
