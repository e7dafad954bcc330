/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two programs that want the same card: each begins a transaction, sends three
 * commands, and ends it.
 *
 *   contention KIND KIND READER loop SECONDS PAUSE
 *   contention KIND KIND READER alternate TURNS
 *
 * KIND is plain or session. In a loop each wants the next turn after a pause of
 * so many microseconds; what is still waited for when the time is over is waited
 * for to its end. Else each has so many turns, and lets the other one go first
 * after each; since who polls is lucky or not, a turn then takes anything from 0
 * to 100 ms.
 *
 * Prints a line a turn: whose it was (0 or 1), and when it was asked for, begun,
 * ended by its holder, and over for it, in microseconds since the start.
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
 * In a loop, of each second. What has real-time priority, as the bench does, and
 * takes more than 0.95 of it is stopped by the kernel for the rest.
 */
#define SECOND_NS INT64_C(1000000000)
#define PLAYED_NS INT64_C(900000000)

typedef struct {
    int64_t asked, begun, ending, over;
} Turn;

typedef struct {
    int count;
    Turn turns[TURNS_MAX];
} Log;

typedef struct {
    const char *reader;
    int64_t start;
    int64_t until; /* in a loop; else 0 */
    int64_t pause;
    int turns;        /* of each, when they alternate */
    int may_begin[2]; /* eventfds */
} Game;

static void
take_turn(Client *client, const Game *game, int self, Log *log)
{
    static const uint8_t command[] = {0x80, 0x10, 0, 0, 0};
    Turn *turn = &log->turns[log->count];

    turn->asked = now_ns();
    client_begin(client);
    turn->begun = now_ns();
    if (game->turns > 0)
        check(eventfd_write(game->may_begin[!self], 1) == 0, "eventfd");
    for (int i = 0; i < COMMANDS_A_TURN; i++)
        client_transmit(client, command, sizeof command);
    if (game->turns > 0)
        sleep_ns(random() % HOLD_MAX_NS);
    turn->ending = now_ns();
    client_end(client);
    turn->over = now_ns();
    log->count++;
}

static void
loop(Client *client, const Game *game, int self, Log *log)
{
    sleep_ns(game->start - now_ns());
    while (now_ns() < game->until && log->count < TURNS_MAX) {
        take_turn(client, game, self, log);
        int64_t played = (now_ns() - game->start) % SECOND_NS;
        if (played > PLAYED_NS)
            sleep_ns(SECOND_NS - played);
        else if (game->pause > 0)
            sleep_ns(game->pause);
    }
}

static void
play(const Game *game, ClientKind kind, int self, Log *log)
{
    Client client;
    eventfd_t count;

    client_open(&client, kind, game->reader);
    if (game->turns == 0)
        loop(&client, game, self, log);
    while (log->count < game->turns) {
        check(eventfd_read(game->may_begin[self], &count) == 0, "eventfd");
        take_turn(&client, game, self, log);
    }
    client_close(&client);
}

static double
us_since(int64_t start, int64_t time)
{
    return (double)(time - start) / 1000;
}

static void
print_log(const Log *log, int self, int64_t start)
{
    for (int i = 0; i < log->count; i++) {
        const Turn *turn = &log->turns[i];
        printf("%d %.1f %.1f %.1f %.1f\n", self, us_since(start, turn->asked),
               us_since(start, turn->begun), us_since(start, turn->ending),
               us_since(start, turn->over));
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
    Log *logs = new_shared(2 * sizeof *logs);
    /* Half a second for both to come. */
    Game game = {.reader = argv[3], .start = now_ns() + SECOND_NS / 2};

    if (looping) {
        game.until = game.start + atoi(argv[5]) * SECOND_NS;
        game.pause = atoi(argv[6]) * INT64_C(1000);
    } else {
        game.turns = atoi(argv[5]);
    }
    game.may_begin[0] = eventfd(1, 0); /* who goes first */
    game.may_begin[1] = eventfd(0, 0);
    for (int self = 0; self < 2; self++) {
        pid_t child = fork();
        check(child >= 0, "fork");
        if (child == 0) {
            play(&game, client_kind(argv[1 + self]), self, &logs[self]);
            _exit(0);
        }
    }
    wait_for_children(2);
    for (int self = 0; self < 2; self++)
        print_log(&logs[self], self, game.start);
    return 0;
}
