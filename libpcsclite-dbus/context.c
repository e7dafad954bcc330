/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "context.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
close_context_in_child(PldHandle *handle)
{
    PldContext *context = (PldContext *)handle;

    if (context->connection.fd >= 0)
        close(context->connection.fd);
    close(context->wake_fd);
    close(context->call_wake_fd);
}

static const PldHandleClass context_class = {PLD_HANDLE_CONTEXT, free_context,
                                             close_context_in_child};

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

LONG
pld_context_new(SCARDCONTEXT *number)
{
    PldContext *context = calloc(1, sizeof *context);

    if (!context)
        return SCARD_E_NO_MEMORY;
    const PldConnectionCallbacks callbacks = {handle_session_closed_locked,
                                              handle_service_ended_locked, context};
    pthread_mutex_init(&context->lock, NULL);
    pthread_mutex_init(&context->list_lock, NULL);
    pthread_mutex_init(&context->wait_lock, NULL);
    context->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    context->call_wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    LONG code = pld_connection_open(&context->connection, &callbacks);
    if (code == SCARD_S_SUCCESS && (context->wake_fd < 0 || context->call_wake_fd < 0 ||
                                    !pld_handle_table_add(&context->handle, &context_class)))
        code = SCARD_E_NO_MEMORY;
    if (code != SCARD_S_SUCCESS) {
        free_context(&context->handle);
        return code;
    }
    *number = context->handle.number;
    pld_context_unref(context);
    return SCARD_S_SUCCESS;
}

PldContext *
pld_context_get(SCARDCONTEXT number)
{
    return (PldContext *)pld_handle_table_get(PLD_HANDLE_CONTEXT, number);
}

void
pld_context_unref(PldContext *context)
{
    pld_handle_unref(&context->handle);
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
    unsigned cancels; /* PldContext.cancels when the wait began */
} PldAttachment;

static bool
is_attachment_ended(const void *data)
{
    const PldAttachment *attachment = data;
    const PldContext *context = attachment->context;

    return context->released || context->cancels != attachment->cancels;
}

LONG
pld_context_check_locked(PldContext *context)
{
    PldConnection *connection = &context->connection;
    const PldAttachment attachment = {context, context->cancels};
    const PldWaitEnd end = {context->call_wake_fd, is_attachment_ended, &attachment};

    pld_connection_process(connection);
    if (connection->lost)
        return SCARD_E_NO_SERVICE;
    return pld_connection_is_detached(connection) ? pld_connection_attach(connection, &end)
                                                  : SCARD_S_SUCCESS;
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
pld_context_remove_session(PldContext *context, PldSession *session)
{
    pld_context_lock(context);
    pthread_mutex_lock(&context->list_lock);
    for (PldSession **link = &context->sessions; *link; link = &(*link)->next) {
        if (*link == session) {
            *link = session->next;
            break;
        }
    }
    pthread_mutex_unlock(&context->list_lock);
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
