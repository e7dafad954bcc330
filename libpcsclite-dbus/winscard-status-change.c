/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SCardGetStatusChange. The rules for which bits count as a change are those of pcsc-lite, which
 * are not symmetric: for example, it reports that a card is not in use any more, but not that it is
 * in use now.
 */

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "method-call.h"

/* The state of an entry of this name changes when a reader is added or removed. */
#define PLUG_AND_PLAY "\\\\?PnP?\\Notification"

/* As in pcsc-lite since 2.3, the upper word counts readers added and removed, and is not 0. */
#define CHANGES_MASK 0x7FFF

/* Without a reply of the service by then, the states that are known count as the present ones. */
#define REFRESH_LIMIT_MS 1000

typedef struct {
    PldContext *context;
    SCARD_READERSTATE *entries;
    DWORD count;
    unsigned cancels;   /* PldContext.cancels when the wait began */
    uint32_t total;     /* PldReaders.total then */
    uint32_t known;     /* PldReaders.total that the program knows of */
    uint32_t changes;   /* PldReaders.changes when the wait began */
    long long until_ns; /* -1: no time limit */

    bool refreshing; /* the fields below are valid */
    long long refresh_until_ns;
    PldMethodCall refresh_call;
    PldPendingCall refresh;
} PldStatusWait;

static bool
is_plug_and_play(const SCARD_READERSTATE *entry)
{
    return strcasecmp(entry->szReader, PLUG_AND_PLAY) == 0;
}

static DWORD
changes_word(uint32_t changes)
{
    return (DWORD)(changes % CHANGES_MASK + 1) << 16;
}

/*
 * A program that passes no count knows the list of its last SCardListReaders: what has changed
 * since then must not be missed.
 */
static bool
update_list_entry(const PldStatusWait *wait, SCARD_READERSTATE *entry)
{
    PldContext *context = wait->context;
    const PldReaders *readers = &context->connection.readers;
    DWORD count = entry->dwCurrentState & 0xFFFF0000;
    bool changed = count ? count != changes_word(wait->changes) || readers->total != wait->total
                         : readers->total != wait->known;

    entry->dwEventState = changes_word(readers->changes) | (changed ? SCARD_STATE_CHANGED : 0);
    context->known_total = readers->total;
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
 * known is used. Refresh of one reader updates all of them. The reply arrives during the wait, as
 * any other message.
 */
static void
begin_refresh_locked(PldStatusWait *wait)
{
    PldMethodCall call = {.interface = PLD_READER,
                          .method = "Refresh",
                          .lifetime = PLD_CALL_UNTIL_CANCELLED,
                          .limit_ms = REFRESH_LIMIT_MS};

    for (DWORD i = 0; i < wait->count && !call.path; i++) {
        const SCARD_READERSTATE *entry = &wait->entries[i];
        const PldReader *reader =
            pld_readers_find(&wait->context->connection.readers, entry->szReader);
        if (reader && !(entry->dwCurrentState & SCARD_STATE_IGNORE))
            call.path = reader->path;
    }
    if (!call.path)
        return;
    wait->refresh_call = call;
    wait->refresh_until_ns = pld_now_ns() + REFRESH_LIMIT_MS * PLD_NSEC_PER_MSEC;
    wait->refreshing =
        pld_pending_call_send_locked(&wait->refresh, wait->context, &wait->refresh_call) >= 0;
}

static void
end_refresh_locked(PldStatusWait *wait)
{
    if (wait->refreshing)
        pld_pending_call_end_locked(&wait->refresh);
    wait->refreshing = false;
}

/* Returns true, once, when the states are as new as they will be. */
static bool
check_refresh_locked(PldStatusWait *wait)
{
    if (wait->refreshing && !wait->refresh.reply && pld_now_ns() < wait->refresh_until_ns)
        return false;
    end_refresh_locked(wait);
    return true;
}

static LONG
begin_wait_locked(PldStatusWait *wait)
{
    PldContext *context = wait->context;
    const PldReaders *readers = &context->connection.readers;
    uint32_t known_total = context->known_total;
    LONG code = pld_context_check_locked(context, wait->cancels, NULL);

    if (code != SCARD_S_SUCCESS)
        return code;
    wait->total = readers->total;
    wait->known = context->lists_readers ? known_total : readers->total;
    wait->changes = readers->changes;
    for (DWORD i = 0; i < wait->count; i++) {
        const SCARD_READERSTATE *entry = &wait->entries[i];
        if (!pld_readers_find(readers, entry->szReader) && !is_plug_and_play(entry))
            return SCARD_E_UNKNOWN_READER;
    }
    for (DWORD i = 0; i < wait->count; i++)
        wait->entries[i].dwEventState = 0;
    begin_refresh_locked(wait);
    return SCARD_S_SUCCESS;
}

/* Releases the context's lock while it sleeps. */
static void
sleep_until_event_locked(const PldStatusWait *wait)
{
    PldContext *context = wait->context;
    long long until_ns = wait->refreshing ? wait->refresh_until_ns : wait->until_ns;
    PldPoll sleep = pld_connection_prepare_sleep(&context->connection, context->wake_fd, until_ns);

    pthread_mutex_unlock(&context->lock);
    pld_poll_sleep(&sleep);
    pthread_mutex_lock(&context->lock);
}

/*
 * Not all changes end a wait: that others begin to use a card does not. So the states are queried
 * once more when the time is over.
 */
static LONG
wait_for_change_locked(PldStatusWait *wait)
{
    PldContext *context = wait->context;
    LONG code = begin_wait_locked(wait);
    bool is_last = wait->until_ns >= 0 && wait->until_ns <= pld_now_ns();

    while (code == SCARD_S_SUCCESS) {
        bool refreshed = check_refresh_locked(wait);
        bool cancelled = context->released || context->cancels != wait->cancels;
        bool changed = (refreshed || cancelled) && update_entries_locked(wait);
        if (cancelled)
            return SCARD_E_CANCELLED;
        if (changed)
            return SCARD_S_SUCCESS;
        bool is_over = wait->until_ns >= 0 && pld_now_ns() >= wait->until_ns;
        if (refreshed && is_over && is_last)
            return SCARD_E_TIMEOUT;
        if (refreshed && is_over) {
            is_last = true;
            begin_refresh_locked(wait);
        }
        if (!refreshed || !is_over || wait->refreshing)
            sleep_until_event_locked(wait);
        code = pld_context_check_locked(context, wait->cancels, NULL);
    }
    if (code == SCARD_E_CANCELLED)
        update_entries_locked(wait);
    return code;
}

/* Blocks until an entry differs from its dwCurrentState, the timeout ends, or SCardCancel. */
static LONG
wait_for_change(PldContext *context, DWORD timeout, SCARD_READERSTATE *entries, DWORD count)
{
    PldStatusWait wait = {.context = context, .entries = entries, .count = count};
    bool infinite = timeout >= INFINITE; /* programs also pass it sign-extended to 64 bits */

    wait.until_ns = infinite ? -1 : pld_now_ns() + (long long)timeout * PLD_NSEC_PER_MSEC;
    pthread_mutex_lock(&context->wait_lock);
    wait.cancels = context->cancels;
    context->waiting = true;
    pld_context_lock(context);
    LONG code = wait_for_change_locked(&wait);
    end_refresh_locked(&wait);
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
    pld_context_put(context);
    return code;
}
