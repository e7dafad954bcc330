/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "context.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "card.h"

static void
free_context(PldEntry *entry)
{
    PldContext *context = (PldContext *)entry;

    pld_connection_close(&context->connection);
    if (context->wake_fd >= 0)
        close(context->wake_fd);
    pthread_mutex_destroy(&context->lock);
    pthread_mutex_destroy(&context->watch);
    free(context);
}

static void
abandon_in_child(PldEntry *entry)
{
    PldContext *context = (PldContext *)entry;

    if (context->connection.fd >= 0)
        close(context->connection.fd);
    close(context->wake_fd);
}

static const PldEntryClass class = {PLD_KIND_CONTEXT, free_context, abandon_in_child};

static void
session_closed(const char *session, const char *reason, void *data)
{
    PldContext *context = data;
    pld_card_session_closed_locked(context->cards, session, reason);
}

LONG
pld_context_new(SCARDCONTEXT *number)
{
    PldContext *context = calloc(1, sizeof *context);

    if (!context)
        return SCARD_E_NO_MEMORY;
    const PldConnectionOwner owner = {session_closed, context};
    pthread_mutex_init(&context->lock, NULL);
    pthread_mutex_init(&context->watch, NULL);
    context->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    LONG code = pld_connection_open(&context->connection, &owner);
    if (code == SCARD_S_SUCCESS &&
        (context->wake_fd < 0 || !pld_table_add(&context->entry, &class)))
        code = SCARD_E_NO_MEMORY;
    if (code != SCARD_S_SUCCESS) {
        free_context(&context->entry);
        return code;
    }
    *number = context->entry.number;
    pld_context_unref(context);
    return SCARD_S_SUCCESS;
}

PldContext *
pld_context_get(SCARDCONTEXT number)
{
    return (PldContext *)pld_table_get(PLD_KIND_CONTEXT, number);
}

void
pld_context_unref(PldContext *context)
{
    pld_entry_unref(&context->entry);
}

void
pld_context_lock(PldContext *context)
{
    pthread_mutex_lock(&context->lock);
}

void
pld_context_wake(PldContext *context)
{
    eventfd_write(context->wake_fd, 1);
}

void
pld_context_unlock(PldContext *context)
{
    if (context->waiting)
        pld_context_wake(context);
    pthread_mutex_unlock(&context->lock);
}

LONG
pld_context_check_locked(PldContext *context)
{
    pld_connection_follow(&context->connection);
    return context->connection.lost ? SCARD_E_NO_SERVICE : SCARD_S_SUCCESS;
}

void
pld_context_cancel(PldContext *context)
{
    if (!context->waiting)
        return;
    context->cancelled = true;
    pld_context_wake(context);
}

/* One of those that are left, with a reference. */
static PldCard *
next_card(PldContext *context)
{
    pld_context_lock(context);
    PldCard *card = context->cards;
    if (card)
        pld_entry_ref(&card->entry);
    pld_context_unlock(context);
    return card;
}

LONG
pld_context_release(PldContext *context)
{
    PldCard *card;

    if (!pld_table_remove(&context->entry))
        return SCARD_E_INVALID_HANDLE;
    pld_context_lock(context);
    context->released = true;
    pld_context_cancel(context);
    LONG code = pld_context_check_locked(context);
    pld_context_unlock(context);

    while ((card = next_card(context)))
        pld_card_release(card);
    pthread_mutex_lock(&context->watch);
    pld_context_lock(context);
    pld_connection_close(&context->connection);
    pld_context_unlock(context);
    pthread_mutex_unlock(&context->watch);
    return code;
}
