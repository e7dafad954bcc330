/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "status-change.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>

/* An entry of this name is for readers that come and go. */
#define PLUG_AND_PLAY "\\\\?PnP?\\Notification"

/* pcsc-lite, since 2.3, has the number of comings and goings in the upper word, beginning at 1. */
#define CHANGES_MASK 0x7FFF

#define NSEC_PER_MSEC 1000000LL

typedef struct {
    PldContext *context;
    SCARD_READERSTATE *entries;
    DWORD count;
    uint32_t changes; /* of the list of readers, when the wait began */
} Wait;

static bool
is_plug_and_play(const SCARD_READERSTATE *entry)
{
    return strcasecmp(entry->szReader, PLUG_AND_PLAY) == 0;
}

static DWORD
changes_word(uint32_t changes)
{
    DWORD count = (changes + 1) & CHANGES_MASK;
    return (count > 0 ? count : 1) << 16;
}

static bool
look_at_list(const Wait *wait, SCARD_READERSTATE *entry)
{
    uint32_t changes = wait->context->connection.readers.changes;
    DWORD known = entry->dwCurrentState & 0xFFFF0000;
    bool changed = changes != wait->changes || (known && known != changes_word(changes));

    entry->dwEventState = changes_word(changes) | (changed ? SCARD_STATE_CHANGED : 0);
    return changed;
}

static bool
look_at_unknown(SCARD_READERSTATE *entry)
{
    bool changed = !(entry->dwCurrentState & SCARD_STATE_UNKNOWN);

    entry->dwEventState = SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE;
    if (changed)
        entry->dwEventState |= SCARD_STATE_CHANGED;
    return changed;
}

/* Which bits, known to the program, tell that something is different now. */
static DWORD
outdated_bits(DWORD known, DWORD state)
{
    DWORD bits = SCARD_STATE_UNKNOWN;

    if (!(state & SCARD_STATE_UNAVAILABLE))
        bits |= SCARD_STATE_UNAVAILABLE;
    if (state & SCARD_STATE_EMPTY)
        bits |= SCARD_STATE_PRESENT;
    if (state & SCARD_STATE_PRESENT)
        bits |= SCARD_STATE_EMPTY | (state & SCARD_STATE_MUTE ? 0 : SCARD_STATE_MUTE);
    if (state & SCARD_STATE_EXCLUSIVE)
        bits |= SCARD_STATE_INUSE;
    else if (state & SCARD_STATE_INUSE)
        bits |= SCARD_STATE_EXCLUSIVE;
    else
        bits |= SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE;
    return known & bits;
}

/* Which bits, not known to the program, it would want to know of. */
static DWORD
new_bits(DWORD known, DWORD state)
{
    return state & (SCARD_STATE_UNAVAILABLE | SCARD_STATE_MUTE) & ~known;
}

static bool
look_at_reader(const PldReader *reader, SCARD_READERSTATE *entry)
{
    DWORD known = entry->dwCurrentState;
    DWORD counted = (DWORD)reader->event_count << 16;
    bool changed = known == SCARD_STATE_UNAWARE || outdated_bits(known, reader->state) ||
                   new_bits(known, reader->state) ||
                   ((known & 0xFFFF0000) && (known & 0xFFFF0000) != counted);

    entry->dwEventState = reader->state & ~(DWORD)SCARD_STATE_CHANGED;
    if (!(reader->state & SCARD_STATE_UNAVAILABLE))
        entry->dwEventState |= counted;
    if (changed)
        entry->dwEventState |= SCARD_STATE_CHANGED;
    entry->cbAtr = reader->state & SCARD_STATE_PRESENT ? reader->atr_length : 0;
    memcpy(entry->rgbAtr, reader->atr, entry->cbAtr);
    return changed;
}

static bool
look_locked(const Wait *wait)
{
    bool changed = false;

    for (DWORD i = 0; i < wait->count; i++) {
        SCARD_READERSTATE *entry = &wait->entries[i];
        const PldReader *reader =
            pld_readers_find(&wait->context->connection.readers, entry->szReader);
        if (entry->dwCurrentState & SCARD_STATE_IGNORE)
            continue;
        if (reader)
            changed |= look_at_reader(reader, entry);
        else if (is_plug_and_play(entry))
            changed |= look_at_list(wait, entry);
        else
            changed |= look_at_unknown(entry);
    }
    return changed;
}

/*
 * Nobody announces that a program, beside those of the service, has begun to use
 * a card: the service looks when it is asked. It may refuse, when too many ask;
 * then it stays with what is known.
 */
static void
refresh_locked(const Wait *wait)
{
    PldConnection *connection = &wait->context->connection;

    for (DWORD i = 0; i < wait->count; i++) {
        const PldReader *reader = pld_readers_find(&connection->readers, wait->entries[i].szReader);
        if (!reader || (wait->entries[i].dwCurrentState & SCARD_STATE_IGNORE))
            continue;
        pld_connection_call(
            connection, pld_connection_new_call(connection, reader->path, PLD_READER, "Refresh"),
            NULL);
        return;
    }
}

static LONG
begin_locked(Wait *wait)
{
    LONG code = pld_context_check_locked(wait->context);

    if (code == SCARD_S_SUCCESS) {
        refresh_locked(wait);
        code = pld_context_check_locked(wait->context);
    }
    if (code != SCARD_S_SUCCESS)
        return code;
    wait->changes = wait->context->connection.readers.changes;
    for (DWORD i = 0; i < wait->count; i++) {
        const SCARD_READERSTATE *entry = &wait->entries[i];
        if (!pld_readers_find(&wait->context->connection.readers, entry->szReader) &&
            !is_plug_and_play(entry))
            return SCARD_E_UNKNOWN_READER;
    }
    for (DWORD i = 0; i < wait->count; i++)
        wait->entries[i].dwEventState = 0;
    return SCARD_S_SUCCESS;
}

static long long
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 * NSEC_PER_MSEC + now.tv_nsec;
}

/* Until there is something to read, or somebody wakes us; left_ns: negative for ever. */
static void
sleep_locked(PldContext *context, long long left_ns)
{
    const long long sec = 1000 * NSEC_PER_MSEC;
    struct timespec left = {.tv_sec = left_ns / sec, .tv_nsec = left_ns % sec};
    struct pollfd fds[] = {{.fd = context->connection.fd, .events = POLLIN},
                           {.fd = context->wake_fd, .events = POLLIN}};
    eventfd_t woken;

    pthread_mutex_unlock(&context->lock);
    ppoll(fds, 2, left_ns < 0 ? NULL : &left, NULL);
    pthread_mutex_lock(&context->lock);
    eventfd_read(context->wake_fd, &woken);
}

static LONG
wait_locked(Wait *wait, long long until_ns)
{
    PldContext *context = wait->context;
    LONG code = begin_locked(wait);

    while (code == SCARD_S_SUCCESS && !look_locked(wait)) {
        if (context->cancelled)
            return SCARD_E_CANCELLED;
        long long left_ns = until_ns < 0 ? -1 : until_ns - now_ns();
        if (until_ns >= 0 && left_ns <= 0)
            return SCARD_E_TIMEOUT;
        sleep_locked(context, left_ns);
        code = pld_context_check_locked(context);
    }
    return code;
}

LONG
pld_status_change_wait(PldContext *context, DWORD timeout, SCARD_READERSTATE *entries, DWORD count)
{
    Wait wait = {.context = context, .entries = entries, .count = count};
    bool for_ever = timeout >= INFINITE; /* programs sign-extend it, too */
    long long until_ns = for_ever ? -1 : now_ns() + (long long)timeout * NSEC_PER_MSEC;

    pthread_mutex_lock(&context->watch);
    context->cancelled = false;
    context->waiting = true;
    pld_context_lock(context);
    LONG code = wait_locked(&wait, until_ns);
    context->waiting = false;
    pld_context_unlock(context);
    pthread_mutex_unlock(&context->watch);
    return code;
}
