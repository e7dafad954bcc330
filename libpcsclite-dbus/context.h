/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A SCARDCONTEXT: a D-Bus connection of its own, and the list of the sessions that were opened in
 * it. Once the connection is lost (see connection.h), all calls return SCARD_E_NO_SERVICE until the
 * program releases the context. When the service restarts, the context goes on with the new one,
 * and each card handle returns SCARD_W_RESET_CARD until SCardReconnect.
 *
 * Locks, in the order in which a thread may take them:
 *
 *   PldCard.lock          Serializes all calls on one card handle. Held during the whole call,
 *                         that is, also while the card executes a command or while
 *                         SCardBeginTransaction waits for another handle's transaction.
 *   PldContext.wait_lock  Serializes the SCardGetStatusChange calls of one context. Held during
 *                         the whole wait.
 *   PldContext.lock       Protects the connection, all D-Bus messages, and the list of sessions.
 *                         Held during method calls to the service, for example during SCardConnect
 *                         while polkit asks the user. SCardGetStatusChange releases it while it
 *                         sleeps.
 *   PldContext.list_lock  Taken in addition to the lock above to change the list of sessions, and
 *                         alone to read it. Held for a few instructions only.
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
 * sleeping thread through wake_fd.
 *
 * A thread that ends the calls of other threads takes none of the locks that these hold. It changes
 * one of the atomic fields below, and then wakes the threads: the one in SCardGetStatusChange
 * through wake_fd, the one in a method call through call_wake_fd, those that wait for a transaction
 * by SCD_FRAME_CANCEL on the channel. Each of them checks the fields after it has published that it
 * waits; so no change is missed.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "connection.h"
#include "handle-table.h"

typedef struct PldSession PldSession;

/* Embedded in a PldCard, which owns it. next and end_code are protected by the context's lock. */
struct PldSession {
    PldSession *next;
    char *path;          /* D-Bus object path */
    LONG end_code;       /* error for later calls once the service has closed it, else 0;
                          * SCARD_W_RESET_CARD if the service itself has ended */
    atomic_bool closing; /* by SCardDisconnect or SCardReleaseContext */
    void (*cancel)(PldSession *session); /* ends the wait for a transaction; from any thread */

    /*
     * Called with the context's lock, in a child that has won the handles, when the context has a
     * connection of its own: opens a new session, while the one of the parent still exists, or
     * removes the session. can_adopt() returns whether the former is possible; it may be called
     * without a lock if no call is using the context.
     */
    void (*adopt)(PldSession *session, bool parent_exists);
    bool (*can_adopt)(const PldSession *session);
};

typedef struct {
    PldHandle handle;
    pthread_mutex_t lock;
    PldConnection connection;
    unsigned calls; /* number of the last method call */

    pthread_mutex_t list_lock;
    PldSession *sessions; /* newest first */

    uint32_t known_total; /* PldReaders.total when the program last saw the list of readers */
    bool lists_readers;   /* the program has called SCardListReaders */

    pthread_mutex_t wait_lock;
    int wake_fd;      /* eventfd, of the thread in SCardGetStatusChange */
    int call_wake_fd; /* eventfd, of the thread in a method call */
    atomic_bool waiting;
    atomic_bool released;
    atomic_uint cancels; /* how often SCardCancel was called */
} PldContext;

/*
 * Connects to the service and sets *number. Blocks until the service has replied. Fails with
 * SCARD_E_NO_MEMORY if the program has too many contexts: the user's other programs need
 * connections to the bus, too.
 */
LONG pld_context_new(SCARDCONTEXT *number);

/* Returns a new reference, or NULL if there is no such context. */
PldContext *pld_context_get(SCARDCONTEXT number);
void pld_context_put(PldContext *context);

/*
 * To be called before a card of the context is used: if the context came from the parent of this
 * process, gives it a connection of its own. Blocks until the service has replied.
 */
void pld_context_adopt(PldContext *context);

void pld_context_lock(PldContext *context);
void pld_context_unlock(PldContext *context);

/*
 * Processes the messages that have arrived. Returns SCARD_E_NO_SERVICE if the connection is lost,
 * else SCARD_S_SUCCESS. Does not block, except while the service restarts: until it is back, or has
 * not come back in time, or until another thread calls SCardCancel or SCardReleaseContext, or
 * SCardDisconnect of the session; then returns SCARD_E_CANCELLED. cancels_seen: PldContext.cancels
 * when the call of the program began. session: that the call belongs to, or NULL.
 */
LONG pld_context_check_locked(PldContext *context, unsigned cancels_seen,
                              const PldSession *session);

/* The session stays the caller's, and must be removed before it is freed. */
void pld_context_add_session_locked(PldContext *context, PldSession *session);

void pld_context_remove_session_locked(PldContext *context, PldSession *session);

/* Takes the context's lock. */
void pld_context_remove_session(PldContext *context, PldSession *session);

/*
 * SCardCancel: ends the calls of the context that wait for an event, for the user, or for others,
 * with SCARD_E_CANCELLED. Calls that exchange data with a card or reader go on.
 */
void pld_context_cancel(PldContext *context);

/* To be called after PldSession.closing of a session was set: ends its method call, or its wait for
 * a service that restarts. */
void pld_context_wake_call(PldContext *context);

/*
 * SCardReleaseContext, in two steps: between them the caller closes the sessions that are left.
 *
 * The first step invalidates the number, and ends SCardGetStatusChange and a method call that are
 * pending, with SCARD_E_CANCELLED. It returns SCARD_E_INVALID_HANDLE if another thread has released
 * the context already, and then nothing is left to do; otherwise SCARD_E_NO_SERVICE if the
 * connection is lost. The second one waits until SCardGetStatusChange has returned, and
 * closes the connection.
 */
LONG pld_context_begin_release(PldContext *context);
void pld_context_finish_release(PldContext *context);
