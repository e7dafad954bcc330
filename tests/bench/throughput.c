/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many readers at once, each with a program that sends it one command after the other.
 *
 *   throughput ROUNDS MILLISECONDS READER…
 *
 * Prints one line for each round: commands per second over all readers, in MILLISECONDS for each
 * path: plain PC/SC programs, the same again, clients of the service over the bus, and channels.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "measure.h"

#define READERS_MAX 64
#define PATHS 4

/* Between two paths, for the commands that are not yet finished in any of the programs. */
#define PAUSE_NS 200000000

typedef struct {
    int64_t start;
    int64_t length; /* for each path in a round */
    int rounds;
} RatePlan;

/* For each reader. */
typedef double Rates[READERS_MAX];

/* Returns commands per second, sent one after the other. */
static double
measure_rate(Client *client, int64_t begin, int64_t end)
{
    static const uint8_t command[] = {0x80, 0x10, 0, 0, 0};
    int count = 0;

    sleep_ns(begin - now_ns());
    for (; now_ns() < end; count++)
        client_transmit(client, command, sizeof command);
    return count * 1e9 / (double)(now_ns() - begin);
}

static void
run_program(const RatePlan *plan, const char *reader, int number, Rates *rates)
{
    static Client plain, session, channel;
    Client *const paths[PATHS] = {&plain, &plain, &session, &channel};

    client_open(&plain, CLIENT_PLAIN, reader);
    client_open(&session, CLIENT_SESSION, reader);
    client_open(&channel, CLIENT_CHANNEL, reader);
    for (int phase = 0; phase < plan->rounds * PATHS; phase++) {
        int64_t begin = plan->start + phase * (plan->length + PAUSE_NS);
        rates[phase][number] = measure_rate(paths[phase % PATHS], begin, begin + plan->length);
    }
    client_close(&channel);
    client_close(&session);
    client_close(&plain);
}

static double
sum_rates(const Rates rates, int count)
{
    double all = 0;

    for (int i = 0; i < count; i++)
        all += rates[i];
    return all;
}

int
main(int argc, char **argv)
{
    int readers = argc - 3;

    if (readers < 1 || readers > READERS_MAX) {
        fprintf(stderr, "Usage: throughput ROUNDS MILLISECONDS READER...\n");
        return 2;
    }
    RatePlan plan = {.length = atoi(argv[2]) * INT64_C(1000000), .rounds = atoi(argv[1])};
    Rates *rates = new_shared((unsigned long)plan.rounds * PATHS * sizeof *rates);
    /* One second, until all are connected. */
    plan.start = now_ns() + INT64_C(1000000000);
    for (int i = 0; i < readers; i++) {
        pid_t child = fork();
        check(child >= 0, "fork");
        if (child == 0) {
            run_program(&plan, argv[3 + i], i, rates);
            _exit(0);
        }
    }
    wait_for_children(readers);
    for (int round = 0; round < plan.rounds; round++) {
        for (int path = 0; path < PATHS; path++)
            printf("%.1f ", sum_rates(rates[round * PATHS + path], readers));
        printf("\n");
    }
    return 0;
}
