/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A program with a card: a plain PC/SC program, or an sd-bus client of the
 * service with a session. The same calls for both, so that both can be measured
 * alike. What fails ends the program.
 */

#include <stddef.h>
#include <systemd/sd-bus.h>
#include <winscard.h>

#define CLIENT_ANSWER_SIZE 264

typedef enum {
    CLIENT_PLAIN,
    CLIENT_SESSION,
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
} Client;

/* "plain" or "session". */
ClientKind client_kind(const char *word);

/* reader: its PC/SC name. */
void client_open(Client *client, ClientKind kind, const char *reader);

/* A session with nothing but the echo of that name behind it: all it can is transmit. */
void client_open_echo(Client *client, const char *name);

void client_close(Client *client);

void client_begin(Client *client);
void client_transmit(Client *client, const uint8_t *command, size_t length);
void client_end(Client *client);

/* TransmitMany of a session: the same command so many times. */
void client_transmit_many(Client *client, const uint8_t *command, size_t length, int count);
