/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A SCARDCONTEXT: a connection to the bus, and the card handles that were made
 * in it. A context that is lost (connection.h) answers SCARD_E_NO_SERVICE until
 * it is released.
 *
 * Locks, in the order in which they may be taken:
 *
 *   PldCard.lock        what is done with one card handle, one thing at a time;
 *                       held while the card works
 *   PldContext.watch    one SCardGetStatusChange at a time
 *   PldContext.lock     the connection, and the list of card handles; held for
 *                       calls of the service, but not by who waits for events
 *   PldChannel.lock, the table's: for a look
 *
 * So cards of one context do not wait for each other, nor for who waits for
 * events. Who waits for events sleeps on the connection's socket, which others
 * may empty: whoever lets go of the lock wakes it. SCardCancel takes none of
 * these locks.
 */

#include <stdatomic.h>

#include "connection.h"
#include "table.h"

typedef struct PldCard PldCard;

typedef struct {
    PldEntry entry;
    pthread_mutex_t lock;
    PldConnection connection;
    PldCard *cards;
    atomic_bool released; /* set under the lock */

    pthread_mutex_t watch;
    int wake_fd;
    atomic_bool waiting;
    atomic_bool cancelled;
} PldContext;

LONG pld_context_new(SCARDCONTEXT *number);

/* A reference, or NULL. */
PldContext *pld_context_get(SCARDCONTEXT number);
void pld_context_unref(PldContext *context);

void pld_context_lock(PldContext *context);
void pld_context_unlock(PldContext *context);

/* SCARD_S_SUCCESS, or what calls get when it is lost; takes note of what the service said. */
LONG pld_context_check_locked(PldContext *context);

void pld_context_wake(PldContext *context);
void pld_context_cancel(PldContext *context);
LONG pld_context_release(PldContext *context);
