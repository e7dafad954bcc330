/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many programs that watch all readers: the time until the last one is notified of a card.
 *
 *   watchers direct|bus|bare COUNT ROUNDS SIMULATOR-SOCKET READER PC/SC-NAME...
 *
 * direct: each waits in SCardGetStatusChange for the readers of these names; bus: each is an sd-bus
 * client that waits for CardInserted. A card is inserted into the simulated READER, the first of
 * the names, and removed again. bare: instead of that, this program sends three signals like those
 * of the service. Prints one line for each round: microseconds until the first and until the last
 * one was notified.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include <winscard.h>

#include "measure.h"
#include "signals.h"
#include "sim-client.h"

#define READERS_MAX 16

/* Until all wait again after the last one was notified. */
#define SETTLE_NS 100000000

static struct {
    int64_t *heard_at; /* for each, shared */
    int reports[2];    /* a pipe: one byte when a program is ready or was notified */
    sd_bus *sender;    /* of this program; NULL if the service sends the signals */
    int64_t changed_at;
    SCARD_READERSTATE readers[READERS_MAX];
    DWORD n_readers;
} all;

static void
report_event(int number)
{
    all.heard_at[number] = now_ns();
    check(write(all.reports[1], "", 1) == 1, "pipe");
}

static void
watch_directly(int number)
{
    SCARDCONTEXT context;
    DWORD present = 0;

    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS,
          "SCardEstablishContext");
    for (int first = 1;; first = 0) {
        check(SCardGetStatusChange(context, INFINITE, all.readers, all.n_readers) ==
                  SCARD_S_SUCCESS,
              "SCardGetStatusChange");
        for (DWORD i = 0; i < all.n_readers; i++)
            all.readers[i].dwCurrentState =
                all.readers[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
        DWORD is_present = all.readers[0].dwCurrentState & SCARD_STATE_PRESENT;
        if (first || is_present != present)
            report_event(number);
        present = is_present;
    }
}

static int
report_signal(sd_bus_message *message, void *number, sd_bus_error *error)
{
    if (sd_bus_message_is_signal(message, NULL, "CardInserted") ||
        sd_bus_message_is_signal(message, NULL, "CardRemoved"))
        report_event(*(int *)number);
    return 0;
}

static void
watch_on_bus(int number)
{
    sd_bus *bus = NULL;

    check(sd_bus_open_system(&bus) >= 0 &&
              sd_bus_match_signal(bus, NULL, all.sender ? NULL : "org.smartcardd1", NULL,
                                  "org.smartcardd1.Reader", NULL, report_signal, &number) >= 0,
          "bus");
    report_event(number);
    for (int done; (done = sd_bus_process(bus, NULL)) >= 0;)
        if (done == 0)
            check(sd_bus_wait(bus, UINT64_MAX) >= 0, "bus");
    exit(1);
}

static void
wait_for_all(int count)
{
    char bytes[1000];

    while (count > 0) {
        ssize_t n = read(all.reports[0], bytes, sizeof bytes);
        check(n > 0, "pipe");
        count -= (int)n;
    }
}

/* Prints the times of the first and the last one. */
static void
print_times(int count)
{
    int64_t first = all.heard_at[0], last = all.heard_at[0];

    for (int i = 1; i < count; i++) {
        first = all.heard_at[i] < first ? all.heard_at[i] : first;
        last = all.heard_at[i] > last ? all.heard_at[i] : last;
    }
    printf("%.1f %.1f\n", (double)(first - all.changed_at) / 1000,
           (double)(last - all.changed_at) / 1000);
    fflush(stdout);
}

static void
start_watchers(int count, void (*watch)(int number), pid_t *children)
{
    for (int i = 0; i < count; i++) {
        children[i] = fork();
        check(children[i] >= 0, "fork");
        if (children[i] == 0) {
            watch(i);
            _exit(1);
        }
    }
    wait_for_all(count);
}

static void
change_card(int insert, const char *reader)
{
    sleep_ns(SETTLE_NS);
    all.changed_at = now_ns();
    if (all.sender)
        send_signals(all.sender, insert ? "CardInserted" : "CardRemoved");
    else
        sim_client_order(insert ? "insert" : "remove", reader);
}

int
main(int argc, char **argv)
{
    if (argc < 7 || argc > 6 + READERS_MAX) {
        fprintf(stderr, "Usage: watchers direct|bus|bare COUNT ROUNDS SIMULATOR-SOCKET READER "
                        "PC/SC-NAME...\n");
        return 2;
    }
    int count = atoi(argv[2]);
    pid_t *children = calloc((size_t)count, sizeof *children);
    all.heard_at = new_shared((unsigned long)count * sizeof *all.heard_at);
    all.n_readers = (DWORD)argc - 6;
    for (DWORD i = 0; i < all.n_readers; i++)
        all.readers[i].szReader = argv[6 + i];
    check(pipe(all.reports) == 0, "pipe");
    if (strcmp(argv[1], "bare") == 0)
        check(sd_bus_open_system(&all.sender) >= 0, "bus");
    start_watchers(count, strcmp(argv[1], "direct") == 0 ? watch_directly : watch_on_bus, children);

    sim_client_connect(argv[4]);
    for (int round = atoi(argv[3]); round > 0; round--) {
        change_card(1, argv[5]);
        wait_for_all(count);
        print_times(count);
        change_card(0, argv[5]);
        wait_for_all(count);
    }
    for (int i = 0; i < count; i++)
        kill(children[i], SIGKILL);
    free(children);
    return 0;
}
