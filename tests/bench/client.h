/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A client of a card: a plain PC/SC program, or an sd-bus client of the service with a session,
 * whose commands go over the bus or through a channel. All have the same functions, so that they
 * can be compared. Errors end the program.
 */

#include <stddef.h>
#include <systemd/sd-bus.h>
#include <winscard.h>

/* The header before the command in a packet on a channel. */
#define CLIENT_REQUEST_HEADER 12

/* The longest answer of a card, after the header of the packet on a channel. */
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
    char *card_path; /* NULL until first used */
    int channel;

    uint8_t answer[CLIENT_ANSWER_MAX];
} Client;

/* Takes "plain", "session" or "channel". */
ClientKind client_kind(const char *word);

/* reader: its PC/SC name. */
void client_open(Client *client, ClientKind kind, const char *reader);

/* Connects to the echo of that name instead of a session: it can only transmit. */
void client_open_echo(Client *client, const char *name);

void client_close(Client *client);

void client_begin(Client *client);
/* Returns the length of the response; for a plain program it is in answer. */
size_t client_transmit(Client *client, const uint8_t *command, size_t length);
void client_end(Client *client);

/* TransmitMany of a session: sends the same command count times. */
void client_transmit_many(Client *client, const uint8_t *command, size_t length, int count);

/* Sends the same command count times on a channel, as many at once as are allowed. */
void client_transmit_in_flight(Client *client, const uint8_t *command, size_t length, int count);

/* Card.Transmit, on the card of a session. */
void client_transmit_on_card(Client *client, const uint8_t *command, size_t length);

/* Asks polkit whether the client of that bus name may use a reader, as the service would. */
void client_ask_polkit(Client *client, const char *name);

/* Makes one more connection to the reader, and ends it. */
void client_connect_and_close(Client *client, const char *reader);

/* A plain program: makes all calls of Card.Transmit. */
void client_transmit_from_scratch(Client *client, const char *reader, const uint8_t *command,
                                  size_t length);
