/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A SCARDCONTEXT: a D-Bus connection of its own, and the list of the sessions that were opened in
 * it. Once the connection is lost (see connection.h), all calls return SCARD_E_NO_SERVICE until the
 * program releases the context.
 *
 * Locks, in the order in which a thread may take them:
 *
 *   PldCard.lock          Serializes all calls on one card handle. Held during the whole call,
 *                         that is, also while the card executes a command or while
 *                         SCardBeginTransaction waits for another handle's transaction.
 *   PldContext.wait_lock  Serializes the SCardGetStatusChange calls of one context. Held during
 *                         the whole wait.
 *   PldContext.lock       Protects the connection and the list of sessions. Held during method
 *                         calls to the service, for example during SCardConnect while polkit asks
 *                         the user. SCardGetStatusChange releases it while it sleeps.
 *   PldChannel.lock, the lock of the handle table
 *                         Held for a few instructions only, with no other lock taken inside.
 *
 * No function takes PldCard.lock and PldContext.wait_lock together. Commands to a card and
 * transactions use the channel and not the connection; so two cards of one context do not block
 * each other there, and neither they nor SCardGetStatusChange block each other while they wait.
 * Calls that need the connection block each other within a context.
 *
 * SCardGetStatusChange sleeps on the connection's socket. Another thread that makes a method call
 * meanwhile may read the awaited signal from the socket; therefore pld_context_unlock() wakes the
 * sleeping thread through wake_fd. SCardCancel takes only the lock of the handle table: it sets a
 * flag and writes to wake_fd.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "connection.h"
#include "handle-table.h"

typedef struct PldSession PldSession;

/* Embedded in a PldCard, which owns it. next and end_code are protected by the context's lock. */
struct PldSession {
    PldSession *next;
    char *path;    /* D-Bus object path */
    LONG end_code; /* error for later calls once the service has closed it, else SCARD_S_SUCCESS */
};

typedef struct {
    PldHandle handle;
    pthread_mutex_t lock;
    PldConnection connection;
    PldSession *sessions; /* newest first */
    bool released;

    pthread_mutex_t wait_lock;
    int wake_fd; /* eventfd */
    atomic_bool waiting;
    atomic_bool cancelled;
} PldContext;

/* Connects to the service and sets *number. Blocks until the service has replied. */
LONG pld_context_new(SCARDCONTEXT *number);

/* Returns a new reference, or NULL if there is no such context. */
PldContext *pld_context_get(SCARDCONTEXT number);
void pld_context_unref(PldContext *context);

void pld_context_lock(PldContext *context);
void pld_context_unlock(PldContext *context);

/*
 * Processes the messages that have arrived; does not block. Returns SCARD_E_NO_SERVICE if the
 * connection is lost, else SCARD_S_SUCCESS.
 */
LONG pld_context_check_locked(PldContext *context);

/* The session stays the caller's, and must be removed before it is freed. */
void pld_context_add_session_locked(PldContext *context, PldSession *session);

/* Takes the context's lock. */
void pld_context_remove_session(PldContext *context, PldSession *session);

/* Ends a running SCardGetStatusChange with SCARD_E_CANCELLED. Takes no lock; from any thread. */
void pld_context_cancel(PldContext *context);

/*
 * SCardReleaseContext, in two steps: between them the caller closes the sessions that are left.
 *
 * The first step invalidates the number and cancels a running SCardGetStatusChange. It returns
 * SCARD_E_INVALID_HANDLE if another thread has released the context already, and then nothing is
 * left to do; otherwise the result of pld_context_check_locked().
 * The second one waits until SCardGetStatusChange has returned, and closes the connection.
 */
LONG pld_context_begin_release(PldContext *context);
void pld_context_finish_release(PldContext *context);
