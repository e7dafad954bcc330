/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a command costs by each path to the card.
 *
 *   transmit READER ECHO-NAME LENGTH ROUNDS CALLS
 *
 * Prints a line a round: microseconds a command, of so many calls each, by a
 * direct SCardTransmit, the same again, Session.Transmit, TransmitMany of 32 and
 * of 8 commands, and what the bus takes with nobody but an echo behind it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "measure.h"

#define COMMAND_MAX 261

typedef struct {
    Client *client;
    int at_once; /* more than one: by TransmitMany */
} Path;

static double
measure(const Path *path, const uint8_t *command, size_t length, int calls)
{
    int64_t begin = now_ns();

    for (int done = 0; done < calls; done += path->at_once) {
        if (path->at_once == 1)
            client_transmit(path->client, command, length);
        else
            client_transmit_many(path->client, command, length, path->at_once);
    }
    return (double)(now_ns() - begin) / 1000 / calls;
}

int
main(int argc, char **argv)
{
    Client plain, session, echo;
    /* The card's echo: without data it answers two bytes, else the data and two more. */
    uint8_t command[COMMAND_MAX] = {0x80, 0x10};

    if (argc != 6) {
        fprintf(stderr, "Usage: transmit READER ECHO-NAME LENGTH ROUNDS CALLS\n");
        return 2;
    }
    size_t length = strtoul(argv[3], NULL, 10);
    int calls = atoi(argv[5]);
    command[4] = length > 5 ? COMMAND_MAX - 6 : 0;
    client_open(&plain, CLIENT_PLAIN, argv[1]);
    client_open(&session, CLIENT_SESSION, argv[1]);
    client_open_echo(&echo, argv[2]);

    const Path paths[] = {{&plain, 1},    {&plain, 1},   {&session, 1},
                          {&session, 32}, {&session, 8}, {&echo, 1}};
    for (int round = atoi(argv[4]); round > 0; round--) {
        for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
            printf("%.2f ", measure(&paths[i], command, length, calls));
        printf("\n");
        fflush(stdout);
    }
    client_close(&plain);
    client_close(&session);
    return 0;
}
