/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "context.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "card.h"

static void
free_context(ScdEntry *entry)
{
    ScdContext *context = (ScdContext *)entry;

    scd_connection_close(&context->connection);
    if (context->wake_fd >= 0)
        close(context->wake_fd);
    pthread_mutex_destroy(&context->lock);
    pthread_mutex_destroy(&context->watch);
    free(context);
}

static void
abandon_in_child(ScdEntry *entry)
{
    ScdContext *context = (ScdContext *)entry;

    if (context->connection.fd >= 0)
        close(context->connection.fd);
    close(context->wake_fd);
}

static const ScdEntryClass class = {SCD_KIND_CONTEXT, free_context, abandon_in_child};

static void
session_closed(const char *session, const char *reason, void *data)
{
    ScdContext *context = data;
    scd_card_session_closed_locked(context->cards, session, reason);
}

LONG
scd_context_new(SCARDCONTEXT *number)
{
    ScdContext *context = calloc(1, sizeof *context);

    if (!context)
        return SCARD_E_NO_MEMORY;
    const ScdConnectionOwner owner = {session_closed, context};
    pthread_mutex_init(&context->lock, NULL);
    pthread_mutex_init(&context->watch, NULL);
    context->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    LONG code = scd_connection_open(&context->connection, &owner);
    if (code == SCARD_S_SUCCESS &&
        (context->wake_fd < 0 || !scd_table_add(&context->entry, &class)))
        code = SCARD_E_NO_MEMORY;
    if (code != SCARD_S_SUCCESS) {
        free_context(&context->entry);
        return code;
    }
    *number = context->entry.number;
    scd_context_unref(context);
    return SCARD_S_SUCCESS;
}

ScdContext *
scd_context_get(SCARDCONTEXT number)
{
    return (ScdContext *)scd_table_get(SCD_KIND_CONTEXT, number);
}

void
scd_context_unref(ScdContext *context)
{
    scd_entry_unref(&context->entry);
}

void
scd_context_lock(ScdContext *context)
{
    pthread_mutex_lock(&context->lock);
}

void
scd_context_wake(ScdContext *context)
{
    eventfd_write(context->wake_fd, 1);
}

void
scd_context_unlock(ScdContext *context)
{
    if (context->waiting)
        scd_context_wake(context);
    pthread_mutex_unlock(&context->lock);
}

LONG
scd_context_check_locked(ScdContext *context)
{
    scd_connection_follow(&context->connection);
    return context->connection.lost ? SCARD_E_NO_SERVICE : SCARD_S_SUCCESS;
}

void
scd_context_cancel(ScdContext *context)
{
    if (!context->waiting)
        return;
    context->cancelled = true;
    scd_context_wake(context);
}

/* One of those that are left, with a reference. */
static ScdCard *
next_card(ScdContext *context)
{
    scd_context_lock(context);
    ScdCard *card = context->cards;
    if (card)
        scd_entry_ref(&card->entry);
    scd_context_unlock(context);
    return card;
}

LONG
scd_context_release(ScdContext *context)
{
    ScdCard *card;

    if (!scd_table_remove(&context->entry))
        return SCARD_E_INVALID_HANDLE;
    scd_context_lock(context);
    context->released = true;
    scd_context_cancel(context);
    LONG code = scd_context_check_locked(context);
    scd_context_unlock(context);

    while ((card = next_card(context)))
        scd_card_release(card);
    pthread_mutex_lock(&context->watch);
    scd_context_lock(context);
    scd_connection_close(&context->connection);
    scd_context_unlock(context);
    pthread_mutex_unlock(&context->watch);
    return code;
}
