/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A SCARDCONTEXT: a connection to the bus, and the card handles that were made
 * in it. A context that is lost (connection.h) answers SCARD_E_NO_SERVICE until
 * it is released.
 *
 * Locks, in the order in which they may be taken:
 *
 *   ScdCard.lock        what is done with one card handle, one thing at a time;
 *                       held while the card works
 *   ScdContext.watch    one SCardGetStatusChange at a time
 *   ScdContext.lock     the connection, and the list of card handles; held for
 *                       calls of the service, but not by who waits for events
 *   ScdChannel.lock, the table's: for a look
 *
 * So cards of one context do not wait for each other, nor for who waits for
 * events. Who waits for events sleeps on the connection's socket, which others
 * may empty: whoever lets go of the lock wakes it. SCardCancel takes none of
 * these locks.
 */

#include <stdatomic.h>

#include "connection.h"
#include "table.h"

typedef struct ScdCard ScdCard;

typedef struct {
    ScdEntry entry;
    pthread_mutex_t lock;
    ScdConnection connection;
    ScdCard *cards;
    atomic_bool released; /* set under the lock */

    pthread_mutex_t watch;
    int wake_fd;
    atomic_bool waiting;
    atomic_bool cancelled;
} ScdContext;

LONG scd_context_new(SCARDCONTEXT *number);

/* A reference, or NULL. */
ScdContext *scd_context_get(SCARDCONTEXT number);
void scd_context_unref(ScdContext *context);

void scd_context_lock(ScdContext *context);
void scd_context_unlock(ScdContext *context);

/* SCARD_S_SUCCESS, or what calls get when it is lost; takes note of what the service said. */
LONG scd_context_check_locked(ScdContext *context);

void scd_context_wake(ScdContext *context);
void scd_context_cancel(ScdContext *context);
LONG scd_context_release(ScdContext *context);
