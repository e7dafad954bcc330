/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A program with a card: a plain PC/SC program, or an sd-bus client of the
 * service with a session, whose commands go over the bus or through a channel.
 * The same calls for all, so that they can be measured alike. What fails ends
 * the program.
 */

#include <stddef.h>
#include <systemd/sd-bus.h>
#include <winscard.h>

/* An answer with all that a card may send, after the header of a channel's. */
#define CLIENT_ANSWER_MAX (8 + 65548)

typedef enum {
    CLIENT_PLAIN,
    CLIENT_SESSION,
    CLIENT_CHANNEL,
} ClientKind;

typedef struct {
    ClientKind kind;

    SCARDCONTEXT context;
    SCARDHANDLE card;
    const SCARD_IO_REQUEST *pci;

    sd_bus *bus;
    const char *service;
    const char *interface;
    char *path;
    char *reader_path;
    char *card_path; /* NULL until it is needed */
    int channel;

    uint8_t answer[CLIENT_ANSWER_MAX];
} Client;

/* "plain", "session" or "channel". */
ClientKind client_kind(const char *word);

/* reader: its PC/SC name. */
void client_open(Client *client, ClientKind kind, const char *reader);

/* A session with nothing but the echo of that name behind it: all it can is transmit. */
void client_open_echo(Client *client, const char *name);

void client_close(Client *client);

void client_begin(Client *client);
/* Gives the length of the response; a plain program has it in answer. */
size_t client_transmit(Client *client, const uint8_t *command, size_t length);
void client_end(Client *client);

/* TransmitMany of a session: the same command so many times. */
void client_transmit_many(Client *client, const uint8_t *command, size_t length, int count);

/* On a channel: the same command so many times, as many under way as there may be. */
void client_transmit_in_flight(Client *client, const uint8_t *command, size_t length, int count);

/* Card.Transmit, on the card of a session. */
void client_transmit_on_card(Client *client, const uint8_t *command, size_t length);

/* Beside what the client has: connects to the reader once more, and leaves it. */
void client_connect_and_close(Client *client, const char *reader);

/* A plain program: all that Card.Transmit does. */
void client_transmit_from_scratch(Client *client, const char *reader, const uint8_t *command,
                                  size_t length);
