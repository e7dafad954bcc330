/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "context.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Each context is a connection to the bus, of which a user has 256 by default, for all programs. A
 * few programs with as many contexts leave enough of them.
 */
#define CONTEXTS_MAX 64

static void
free_context(PldHandle *handle)
{
    PldContext *context = (PldContext *)handle;

    pld_connection_close(&context->connection);
    if (context->wake_fd >= 0)
        close(context->wake_fd);
    if (context->call_wake_fd >= 0)
        close(context->call_wake_fd);
    pthread_mutex_destroy(&context->lock);
    pthread_mutex_destroy(&context->list_lock);
    pthread_mutex_destroy(&context->wait_lock);
    free(context);
}

static void
close_lost_context(PldHandle *handle)
{
    PldContext *context = (PldContext *)handle;

    if (!pld_connection_has_socket(&context->connection))
        return;
    close(context->connection.fd);
    close(context->wake_fd);
    close(context->call_wake_fd);
    context->connection.fd = -1;
}

/* A child keeps the connection of its parent only as long as sessions depend on it. */
static void
inherit_context(PldHandle *handle)
{
    PldContext *context = (PldContext *)handle;

    for (PldSession *session = context->sessions; session; session = session->next)
        if (session->can_adopt(session))
            return;
    close_lost_context(handle);
}

static void
hang_up_context(PldHandle *handle)
{
    const PldContext *context = (PldContext *)handle;

    if (pld_connection_has_socket(&context->connection))
        shutdown(context->connection.fd, SHUT_RDWR);
}

static const PldHandleClass context_class = {.kind = PLD_HANDLE_CONTEXT,
                                             .free = free_context,
                                             .close_lost = close_lost_context,
                                             .inherit = inherit_context,
                                             .hang_up = hang_up_context};

/* reason: of the signal org.smartcardd1.Session.Closed. */
static LONG
parse_close_reason(const char *reason)
{
    if (strcmp(reason, "reader-removed") == 0)
        return SCARD_E_INVALID_VALUE;
    if (strcmp(reason, "service-unavailable") == 0)
        return SCARD_E_NO_SERVICE;
    if (strcmp(reason, "shutdown") == 0)
        return SCARD_W_RESET_CARD; /* the card handle stays, see card.h */
    if (strcmp(reason, "closed-by-user") == 0)
        return SCARD_E_SYSTEM_CANCELLED;
    return SCARD_W_SECURITY_VIOLATION; /* "revoked" */
}

static void
handle_session_closed_locked(const char *path, const char *reason, void *data)
{
    PldContext *context = data;

    for (PldSession *session = context->sessions; session; session = session->next)
        if (strcmp(session->path, path) == 0)
            session->end_code = parse_close_reason(reason);
}

static void
handle_service_ended_locked(void *data)
{
    PldContext *context = data;

    for (PldSession *session = context->sessions; session; session = session->next)
        if (session->end_code == SCARD_S_SUCCESS)
            session->end_code = SCARD_W_RESET_CARD;
}

static void
open_wake_fds(PldContext *context)
{
    context->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    context->call_wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

LONG
pld_context_new(SCARDCONTEXT *number)
{
    if (pld_handle_table_count_contexts() >= CONTEXTS_MAX)
        return SCARD_E_NO_MEMORY;
    PldContext *context = calloc(1, sizeof *context);
    if (!context)
        return SCARD_E_NO_MEMORY;
    const PldConnectionCallbacks callbacks = {handle_session_closed_locked,
                                              handle_service_ended_locked, context};
    pthread_mutex_init(&context->lock, NULL);
    pthread_mutex_init(&context->list_lock, NULL);
    pthread_mutex_init(&context->wait_lock, NULL);
    open_wake_fds(context);
    LONG code = pld_connection_open(&context->connection, &callbacks);
    if (code == SCARD_S_SUCCESS && (context->wake_fd < 0 || context->call_wake_fd < 0 ||
                                    !pld_handle_table_add(&context->handle, &context_class)))
        code = SCARD_E_NO_MEMORY;
    if (code != SCARD_S_SUCCESS) {
        free_context(&context->handle);
        return code;
    }
    *number = context->handle.number;
    pld_handle_unref(&context->handle);
    return SCARD_S_SUCCESS;
}

/* sd-bus does not let a child use or free the connection of its parent. */
static void
reconnect_locked(PldContext *context)
{
    PldConnection *connection = &context->connection;
    PldConnection inherited = *connection;

    *connection = (PldConnection){.fd = -1, .lost = true};
    if (!inherited.lost && context->wake_fd >= 0 && context->call_wake_fd >= 0)
        connection->lost = pld_connection_open(connection, &inherited.callbacks) != SCARD_S_SUCCESS;
    PldReaders readers = connection->readers;
    connection->readers = inherited.readers;
    pld_readers_replace(&connection->readers, &readers);
    free(inherited.service);
}

/*
 * The new sessions are opened before the socket of the parent is closed: the service resets a card
 * when its last session ends. Then the parent's sessions end, which nothing can use any more.
 */
static void
adopt_locked(PldContext *context)
{
    const int fds[] = {context->connection.fd, context->wake_fd, context->call_wake_fd};
    bool parent_exists = pld_connection_has_socket(&context->connection);
    PldSession *next;

    open_wake_fds(context);
    reconnect_locked(context);
    for (PldSession *session = context->sessions; session; session = next) {
        next = session->next;
        session->adopt(session, parent_exists);
    }
    if (!parent_exists)
        return;
    shutdown(fds[0], SHUT_RDWR);
    for (unsigned i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
}

void
pld_context_adopt(PldContext *context)
{
    if (!context->handle.inherited)
        return;
    pthread_mutex_lock(&context->lock);
    if (context->handle.inherited)
        adopt_locked(context);
    context->handle.inherited = false;
    pthread_mutex_unlock(&context->lock);
}

PldContext *
pld_context_get(SCARDCONTEXT number)
{
    PldContext *context = (PldContext *)pld_handle_table_get(PLD_HANDLE_CONTEXT, number);

    if (context)
        pld_context_adopt(context);
    return context;
}

void
pld_context_put(PldContext *context)
{
    pld_handle_table_put(&context->handle);
}

void
pld_context_lock(PldContext *context)
{
    pthread_mutex_lock(&context->lock);
}

static void
wake_waiting_thread(PldContext *context)
{
    eventfd_write(context->wake_fd, 1);
}

void
pld_context_unlock(PldContext *context)
{
    if (context->waiting)
        wake_waiting_thread(context);
    pthread_mutex_unlock(&context->lock);
}

/* A wait for a service that restarts. */
typedef struct {
    PldContext *context;
    unsigned cancels;          /* PldContext.cancels when the call began */
    const PldSession *session; /* of the call, or NULL */
} PldAttachment;

static bool
is_attachment_ended(const void *data)
{
    const PldAttachment *attachment = data;
    const PldContext *context = attachment->context;

    return context->released || context->cancels != attachment->cancels ||
           (attachment->session && attachment->session->closing);
}

LONG
pld_context_check_locked(PldContext *context, unsigned cancels_seen, const PldSession *session)
{
    PldConnection *connection = &context->connection;
    const PldAttachment attachment = {context, cancels_seen, session};
    const PldWaitEnd end = {context->call_wake_fd, is_attachment_ended, &attachment};

    pld_connection_process(connection);
    if (connection->lost)
        return SCARD_E_NO_SERVICE;
    if (!pld_connection_is_detached(connection))
        return SCARD_S_SUCCESS;
    LONG code = pld_connection_attach(connection, &end);
    bool ended = code != SCARD_S_SUCCESS && is_attachment_ended(&attachment);
    return ended ? SCARD_E_CANCELLED : code;
}

void
pld_context_wake_call(PldContext *context)
{
    eventfd_write(context->call_wake_fd, 1);
}

void
pld_context_cancel(PldContext *context)
{
    context->cancels++;
    if (context->waiting)
        wake_waiting_thread(context);
    pld_context_wake_call(context);
    pthread_mutex_lock(&context->list_lock);
    for (PldSession *session = context->sessions; session; session = session->next)
        session->cancel(session);
    pthread_mutex_unlock(&context->list_lock);
}

void
pld_context_add_session_locked(PldContext *context, PldSession *session)
{
    pthread_mutex_lock(&context->list_lock);
    session->next = context->sessions;
    context->sessions = session;
    pthread_mutex_unlock(&context->list_lock);
}

void
pld_context_remove_session_locked(PldContext *context, PldSession *session)
{
    pthread_mutex_lock(&context->list_lock);
    for (PldSession **link = &context->sessions; *link; link = &(*link)->next) {
        if (*link == session) {
            *link = session->next;
            break;
        }
    }
    pthread_mutex_unlock(&context->list_lock);
}

void
pld_context_remove_session(PldContext *context, PldSession *session)
{
    pld_context_lock(context);
    pld_context_remove_session_locked(context, session);
    pld_context_unlock(context);
}

LONG
pld_context_begin_release(PldContext *context)
{
    if (!pld_handle_table_remove(&context->handle))
        return SCARD_E_INVALID_HANDLE;
    context->released = true;
    wake_waiting_thread(context);
    pld_context_wake_call(context);
    pld_context_lock(context);
    pld_connection_process(&context->connection);
    LONG code = context->connection.lost ? SCARD_E_NO_SERVICE : SCARD_S_SUCCESS;
    pld_context_unlock(context);
    return code;
}

void
pld_context_finish_release(PldContext *context)
{
    pthread_mutex_lock(&context->wait_lock);
    pld_context_lock(context);
    pld_connection_close(&context->connection);
    pld_context_unlock(context);
    pthread_mutex_unlock(&context->wait_lock);
}
