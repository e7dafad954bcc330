/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SCardGetStatusChange. The rules for which bits count as a change are those of pcsc-lite, which
 * are not symmetric: for example, it reports that a card is not in use any more, but not that it is
 * in use now.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>

#include "method-call.h"

/* The state of an entry of this name changes when a reader is added or removed. */
#define PLUG_AND_PLAY "\\\\?PnP?\\Notification"

/* As pcsc-lite does since 2.3, the upper word counts readers added and removed, beginning at 1. */
#define CHANGES_MASK 0x7FFF

#define NSEC_PER_MSEC 1000000LL

typedef struct {
    PldContext *context;
    SCARD_READERSTATE *entries;
    DWORD count;
    unsigned cancels; /* PldContext.cancels when the wait began */
    uint32_t changes; /* PldReaders.changes then */
} PldStatusWait;

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
update_list_entry(const PldStatusWait *wait, SCARD_READERSTATE *entry)
{
    uint32_t changes = wait->context->connection.readers.changes;
    DWORD known = entry->dwCurrentState & 0xFFFF0000;
    bool changed = changes != wait->changes || (known && known != changes_word(changes));

    entry->dwEventState = changes_word(changes) | (changed ? SCARD_STATE_CHANGED : 0);
    return changed;
}

static bool
update_unknown_entry(SCARD_READERSTATE *entry)
{
    bool changed = !(entry->dwCurrentState & SCARD_STATE_UNKNOWN);

    entry->dwEventState = SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE;
    if (changed)
        entry->dwEventState |= SCARD_STATE_CHANGED;
    return changed;
}

/* Returns those of the bits that the program knows of that are a change if set. */
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

/* Returns the set bits of the state that are a change if the program does not know of them. */
static DWORD
new_bits(DWORD known, DWORD state)
{
    return state & (SCARD_STATE_UNAVAILABLE | SCARD_STATE_MUTE) & ~known;
}

static bool
update_reader_entry(const PldReader *reader, SCARD_READERSTATE *entry)
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
update_entries_locked(const PldStatusWait *wait)
{
    bool changed = false;

    for (DWORD i = 0; i < wait->count; i++) {
        SCARD_READERSTATE *entry = &wait->entries[i];
        const PldReader *reader =
            pld_readers_find(&wait->context->connection.readers, entry->szReader);
        if (entry->dwCurrentState & SCARD_STATE_IGNORE)
            continue;
        if (reader)
            changed |= update_reader_entry(reader, entry);
        else if (is_plug_and_play(entry))
            changed |= update_list_entry(wait, entry);
        else
            changed |= update_unknown_entry(entry);
    }
    return changed;
}

/*
 * pcscd sends no event when a program that does not use the service connects to a card, so the
 * service must query the state. It may refuse because of its rate limit; then the state that is
 * known is used. Refresh of one reader updates all of them.
 */
static void
refresh_locked(const PldStatusWait *wait)
{
    PldMethodCall call = {.interface = PLD_READER,
                          .method = "Refresh",
                          .lifetime = PLD_CALL_UNTIL_CANCELLED,
                          .cancels_seen = wait->cancels};

    for (DWORD i = 0; i < wait->count && !call.path; i++) {
        const SCARD_READERSTATE *entry = &wait->entries[i];
        const PldReader *reader =
            pld_readers_find(&wait->context->connection.readers, entry->szReader);
        if (reader && !(entry->dwCurrentState & SCARD_STATE_IGNORE))
            call.path = reader->path;
    }
    if (call.path)
        pld_method_call_locked(wait->context, &call);
}

static LONG
begin_wait_locked(PldStatusWait *wait)
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

/* Releases the context's lock while it sleeps. left_ns: negative for no time limit. */
static void
sleep_until_event_locked(PldContext *context, long long left_ns)
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
wait_for_change_locked(PldStatusWait *wait, long long until_ns)
{
    PldContext *context = wait->context;
    LONG code = begin_wait_locked(wait);

    while (code == SCARD_S_SUCCESS && !update_entries_locked(wait)) {
        if (context->released || context->cancels != wait->cancels)
            return SCARD_E_CANCELLED;
        long long left_ns = until_ns < 0 ? -1 : until_ns - now_ns();
        if (until_ns >= 0 && left_ns <= 0)
            return SCARD_E_TIMEOUT;
        sleep_until_event_locked(context, left_ns);
        code = pld_context_check_locked(context);
    }
    return code;
}

/* Blocks until an entry differs from its dwCurrentState, the timeout ends, or SCardCancel. */
static LONG
wait_for_change(PldContext *context, DWORD timeout, SCARD_READERSTATE *entries, DWORD count)
{
    PldStatusWait wait = {.context = context, .entries = entries, .count = count};
    bool infinite = timeout >= INFINITE; /* programs also pass it sign-extended to 64 bits */
    long long until_ns = infinite ? -1 : now_ns() + (long long)timeout * NSEC_PER_MSEC;

    pthread_mutex_lock(&context->wait_lock);
    wait.cancels = context->cancels;
    context->waiting = true;
    pld_context_lock(context);
    LONG code = wait_for_change_locked(&wait, until_ns);
    context->waiting = false;
    pld_context_unlock(context);
    pthread_mutex_unlock(&context->wait_lock);
    return code;
}

/* Sets *nothing_to_do to true if there is no entry, or only entries with SCARD_STATE_IGNORE. */
static LONG
check_entries(const SCARD_READERSTATE *entries, DWORD count, bool *nothing_to_do)
{
    *nothing_to_do = true;
    if (!entries && count > 0)
        return SCARD_E_INVALID_PARAMETER;
    for (DWORD i = 0; i < count; i++) {
        if (!entries[i].szReader)
            return SCARD_E_INVALID_VALUE;
        *nothing_to_do &= (entries[i].dwCurrentState & SCARD_STATE_IGNORE) != 0;
    }
    return SCARD_S_SUCCESS;
}

LONG
SCardGetStatusChange(SCARDCONTEXT number, DWORD timeout, SCARD_READERSTATE *entries, DWORD count)
{
    bool nothing_to_do;
    LONG code = check_entries(entries, count, &nothing_to_do);

    if (code != SCARD_S_SUCCESS || nothing_to_do)
        return code;
    PldContext *context = pld_context_get(number);
    if (!context)
        return SCARD_E_INVALID_HANDLE;
    code = wait_for_change(context, timeout, entries, count);
    pld_context_unref(context);
    return code;
}
