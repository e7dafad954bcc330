/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A SCARDHANDLE: a session of the service, and its channel. The channel is
 * opened when it is first needed, and anew after the service has hung up, as it
 * does when the card was removed.
 */

#include "channel.h"
#include "context.h"

struct PldCard {
    PldEntry entry;
    PldContext *context;
    char *reader;  /* PC/SC name */
    char *session; /* object path */

    pthread_mutex_t lock; /* context.h has the order of locks */
    PldChannel channel;
    DWORD protocol;
    DWORD share_mode;
    unsigned depth; /* of transactions, as far as this end knows */
    bool closed;

    /* Under the context's lock. */
    PldCard *next;
    LONG ended; /* what calls get when the service has closed the session, else SCARD_S_SUCCESS */
};

typedef struct {
    DWORD share_mode;
    DWORD protocols;
    DWORD initialization; /* of no meaning for a new handle */
} PldConnectArguments;

LONG pld_card_connect(PldContext *context, const char *reader, const PldConnectArguments *arguments,
                      SCARDHANDLE *number, DWORD *protocol);

/* A reference and the lock, or NULL when there is no such handle. */
PldCard *pld_card_enter(SCARDHANDLE number);
void pld_card_leave(PldCard *card);

/*
 * From any thread: who waits for a turn is let go with SCARD_E_INVALID_HANDLE. When all is lost
 * the handle stays, as it does in pcsc-lite, until its context is released.
 */
LONG pld_card_disconnect(SCARDHANDLE number, DWORD disposition);

/* At the end of its context, as pcscd does with what programs leave behind. Takes the reference. */
void pld_card_release(PldCard *card);

/* The service has closed a session of the list; with the context's lock held. */
void pld_card_session_closed_locked(PldCard *cards, const char *session, const char *reason);

/* All that follows with the card's lock held. SCARD_S_SUCCESS unless the context is lost. */
LONG pld_card_check_locked(PldCard *card);
LONG pld_card_reconnect_locked(PldCard *card, const PldConnectArguments *arguments);

/* Asks on the channel; the code of the answer, or why there is none. */
LONG pld_card_ask_locked(PldCard *card, const PldRequest *request, PldAnswer *answer);

/* A method that is called on the bus: NULL when out of memory, or lost; then taken over. */
sd_bus_message *pld_card_new_call_locked(PldCard *card, const char *method);
LONG pld_card_call_locked(PldCard *card, sd_bus_message *call, sd_bus_message **reply);
