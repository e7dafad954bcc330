/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two programs that use the same card at the same time: each begins a transaction, sends three
 * commands, and ends it.
 *
 *   contention KIND KIND READER loop SECONDS PAUSE
 *   contention KIND KIND READER alternate TURNS
 *
 * KIND is plain or session. A transaction of one program is a turn. In a loop, each begins its next
 * turn after a pause of PAUSE microseconds; turns that are requested when the time is over are
 * finished. Otherwise each has as many turns, and lets the other one request its turn first after
 * each. The result of polling depends on its phase, so each turn is held for a random time of 0 to
 * 100 ms.
 *
 * Prints one line for each turn: the program (0 or 1), and the times at which the turn was
 * requested, begun, ending and over, in microseconds since the start.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client.h"
#include "measure.h"

#define TURNS_MAX 100000
#define HOLD_MAX_NS 100000000
#define COMMANDS_A_TURN 3

/*
 * In a loop, the part of each second that is used. The kernel stops real-time processes, as those
 * of the bench are, after 0.95 of each second.
 */
#define SECOND_NS INT64_C(1000000000)
#define PLAYED_NS INT64_C(900000000)

typedef struct {
    int64_t requested, begun, ending, over;
} Turn;

typedef struct {
    int count;
    Turn turns[TURNS_MAX];
} TurnLog;

typedef struct {
    const char *reader;
    int64_t start;
    int64_t until; /* in a loop; else 0 */
    int64_t pause;
    int turns;        /* of each program, if they alternate; else 0 */
    int may_begin[2]; /* eventfds */
} TurnPlan;

static void
take_turn(Client *client, const TurnPlan *plan, int self, TurnLog *log)
{
    static const uint8_t command[] = {0x80, 0x10, 0, 0, 0};
    Turn *turn = &log->turns[log->count];

    turn->requested = now_ns();
    client_begin(client);
    turn->begun = now_ns();
    if (plan->turns > 0)
        check(eventfd_write(plan->may_begin[!self], 1) == 0, "eventfd");
    for (int i = 0; i < COMMANDS_A_TURN; i++)
        client_transmit(client, command, sizeof command);
    if (plan->turns > 0)
        sleep_ns(random() % HOLD_MAX_NS);
    turn->ending = now_ns();
    client_end(client);
    turn->over = now_ns();
    log->count++;
}

static void
run_loop(Client *client, const TurnPlan *plan, int self, TurnLog *log)
{
    sleep_ns(plan->start - now_ns());
    while (now_ns() < plan->until && log->count < TURNS_MAX) {
        take_turn(client, plan, self, log);
        int64_t played = (now_ns() - plan->start) % SECOND_NS;
        if (played > PLAYED_NS)
            sleep_ns(SECOND_NS - played);
        else if (plan->pause > 0)
            sleep_ns(plan->pause);
    }
}

static void
run_program(const TurnPlan *plan, ClientKind kind, int self, TurnLog *log)
{
    Client client;
    eventfd_t count;

    client_open(&client, kind, plan->reader);
    if (plan->turns == 0)
        run_loop(&client, plan, self, log);
    while (log->count < plan->turns) {
        check(eventfd_read(plan->may_begin[self], &count) == 0, "eventfd");
        take_turn(&client, plan, self, log);
    }
    client_close(&client);
}

static double
to_microseconds(int64_t start, int64_t time)
{
    return (double)(time - start) / 1000;
}

static void
print_log(const TurnLog *log, int self, int64_t start)
{
    for (int i = 0; i < log->count; i++) {
        const Turn *turn = &log->turns[i];
        printf("%d %.1f %.1f %.1f %.1f\n", self, to_microseconds(start, turn->requested),
               to_microseconds(start, turn->begun), to_microseconds(start, turn->ending),
               to_microseconds(start, turn->over));
    }
}

int
main(int argc, char **argv)
{
    int looping = argc == 7 && strcmp(argv[4], "loop") == 0;

    if (!looping && (argc != 6 || strcmp(argv[4], "alternate") != 0)) {
        fprintf(stderr, "Usage: contention KIND KIND READER loop SECONDS PAUSE\n"
                        "       contention KIND KIND READER alternate TURNS\n");
        return 2;
    }
    TurnLog *logs = new_shared(2 * sizeof *logs);
    /* Half a second, until both are connected. */
    TurnPlan plan = {.reader = argv[3], .start = now_ns() + SECOND_NS / 2};

    if (looping) {
        plan.until = plan.start + atoi(argv[5]) * SECOND_NS;
        plan.pause = atoi(argv[6]) * INT64_C(1000);
    } else {
        plan.turns = atoi(argv[5]);
    }
    plan.may_begin[0] = eventfd(1, 0); /* the first program */
    plan.may_begin[1] = eventfd(0, 0);
    for (int self = 0; self < 2; self++) {
        pid_t child = fork();
        check(child >= 0, "fork");
        if (child == 0) {
            run_program(&plan, client_kind(argv[1 + self]), self, &logs[self]);
            _exit(0);
        }
    }
    wait_for_children(2);
    for (int self = 0; self < 2; self++)
        print_log(&logs[self], self, plan.start);
    return 0;
}
