/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A SCARDHANDLE: a session of the service, and its channel. The channel is
 * opened when it is first needed, and anew after the service has hung up, as it
 * does when the card was removed.
 */

#include "channel.h"
#include "context.h"

struct ScdCard {
    ScdEntry entry;
    ScdContext *context;
    char *reader;  /* PC/SC name */
    char *session; /* object path */

    pthread_mutex_t lock; /* context.h has the order of locks */
    ScdChannel channel;
    DWORD protocol;
    DWORD share_mode;
    unsigned depth; /* of transactions, as far as this end knows */
    bool closed;

    /* Under the context's lock. */
    ScdCard *next;
    LONG ended; /* what calls get when the service has closed the session, else SCARD_S_SUCCESS */
};

typedef struct {
    DWORD share_mode;
    DWORD protocols;
    DWORD initialization; /* of no meaning for a new handle */
} ScdConnectArguments;

LONG scd_card_connect(ScdContext *context, const char *reader, const ScdConnectArguments *arguments,
                      SCARDHANDLE *number, DWORD *protocol);

/* A reference and the lock, or NULL when there is no such handle. */
ScdCard *scd_card_enter(SCARDHANDLE number);
void scd_card_leave(ScdCard *card);

/*
 * From any thread: who waits for a turn is let go with SCARD_E_INVALID_HANDLE. When all is lost
 * the handle stays, as it does in pcsc-lite, until its context is released.
 */
LONG scd_card_disconnect(SCARDHANDLE number, DWORD disposition);

/* At the end of its context, as pcscd does with what programs leave behind. Takes the reference. */
void scd_card_release(ScdCard *card);

/* The service has closed a session of the list; with the context's lock held. */
void scd_card_session_closed_locked(ScdCard *cards, const char *session, const char *reason);

/* All that follows with the card's lock held. SCARD_S_SUCCESS unless the context is lost. */
LONG scd_card_check_locked(ScdCard *card);
LONG scd_card_reconnect_locked(ScdCard *card, const ScdConnectArguments *arguments);

/* Asks on the channel; the code of the answer, or why there is none. */
LONG scd_card_ask_locked(ScdCard *card, const ScdRequest *request, ScdAnswer *answer);

/* A method that is called on the bus: NULL when out of memory, or lost; then taken over. */
sd_bus_message *scd_card_new_call_locked(ScdCard *card, const char *method);
LONG scd_card_call_locked(ScdCard *card, sd_bus_message *call, sd_bus_message **reply);
