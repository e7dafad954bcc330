/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCardGetStatusChange: states, event counts, timeouts, and invalid lists. */

#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include <string.h>
#include <time.h>

#define NEW_READERS "\\\\?PnP?\\Notification"

enum { SHORT_MS = 30, LONG_MS = 30000, MANY = 17 };

/* The bytes after the ATR are not shown: pcsc-lite leaves the rest of an earlier ATR there. */
static void
show_state(const SCARD_READERSTATE *state)
{
    show_bits("event", state->dwEventState);
    show_number("atr-length", state->cbAtr);
    show_bytes("atr", state->rgbAtr,
               state->cbAtr < MAX_ATR_SIZE ? state->cbAtr : sizeof state->rgbAtr);
}

static SCARD_READERSTATE
new_state(const char *reader, DWORD current)
{
    SCARD_READERSTATE state = {.szReader = reader, .dwCurrentState = current};

    state.dwEventState = state.cbAtr = UNTOUCHED;
    memset(state.rgbAtr, FILLING, sizeof state.rgbAtr);
    return state;
}

/* Returns the dwCurrentState for the next wait. */
static DWORD
show_one(SCARDCONTEXT context, const char *case_name, const char *reader, DWORD current,
         DWORD milliseconds)
{
    SCARD_READERSTATE state = new_state(reader, current);

    show(milliseconds == LONG_MS ? wait_for_change(context, milliseconds, &state)
                                 : SCardGetStatusChange(context, milliseconds, &state, 1),
         "%s", case_name);
    show_state(&state);
    return state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
}

static void
show_current_states(SCARDCONTEXT context, const char *reader)
{
    static const DWORD states[] = {SCARD_STATE_UNAWARE,
                                   SCARD_STATE_IGNORE,
                                   SCARD_STATE_CHANGED,
                                   SCARD_STATE_UNKNOWN,
                                   SCARD_STATE_UNAVAILABLE,
                                   SCARD_STATE_EMPTY,
                                   SCARD_STATE_PRESENT,
                                   SCARD_STATE_PRESENT | SCARD_STATE_INUSE,
                                   SCARD_STATE_PRESENT | SCARD_STATE_EXCLUSIVE,
                                   SCARD_STATE_PRESENT | SCARD_STATE_MUTE,
                                   SCARD_STATE_PRESENT | SCARD_STATE_UNPOWERED,
                                   SCARD_STATE_PRESENT | SCARD_STATE_ATRMATCH,
                                   SCARD_STATE_EMPTY | SCARD_STATE_INUSE,
                                   SCARD_STATE_IGNORE | SCARD_STATE_EMPTY,
                                   SCARD_STATE_UNAWARE | 0x7F0000,
                                   SCARD_STATE_EMPTY | 0x7F0000,
                                   SCARD_STATE_PRESENT | 0x7F0000,
                                   0x10000};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        show_one(context, reader, reader, states[i], 0);
        show_bits("current", states[i]);
    }
    DWORD current = show_one(context, "as it is", reader, SCARD_STATE_UNAWARE, 0);
    show_one(context, "nothing new", reader, current, 0);
    show_one(context, "nothing new, for a while", reader, current, SHORT_MS);
    show_one(context, "another count", reader, current + 0x10000, 0);
}

/* A handle of the same program uses the card, and is closed. */
static void
show_use(SCARDCONTEXT context, DWORD share_mode)
{
    DWORD free_state = show_one(context, "free", READER_A, SCARD_STATE_UNAWARE, 0);
    SCARDHANDLE card = new_card(context, READER_A, share_mode,
                                share_mode == SCARD_SHARE_DIRECT ? 0 : BOTH_PROTOCOLS);

    show_one(context, "in use, to one who thinks it is free", READER_A, free_state, 0);
    DWORD used = show_one(context, "in use", READER_A, SCARD_STATE_UNAWARE, 0);
    show_one(context, "in use as before", READER_A, used, 0);
    disconnect_card(card, SCARD_LEAVE_CARD);
    show_one(context, "free, to one who thinks it is in use", READER_A, used, LONG_MS);
    show_one(context, "free again", READER_A, SCARD_STATE_UNAWARE, 0);
}

static void
show_use_by_another(SCARDCONTEXT context, const char *share_mode)
{
    request_action("other connect %s " READER_A, share_mode);
    DWORD used = show_one(context, "another program's use", READER_A, SCARD_STATE_UNAWARE, 0);
    request_action("other disconnect leave");
    show_one(context, "its end, to one who waits", READER_A, used, LONG_MS);
}

/* A card is replaced so fast that the state may differ in the event count only. */
static void
show_swap(SCARDCONTEXT context, DWORD before)
{
    SCARD_READERSTATE state = new_state(READER_B, before);
    LONG code;

    request_action("swap B 3B021450");
    do {
        code = wait_for_change(context, LONG_MS, &state);
        state.dwCurrentState = state.dwEventState;
    } while (code == SCARD_S_SUCCESS && state.dwEventState >> 16 != (before >> 16) + 2);
    show(code, "swap");
    show_state(&state);
}

static void
show_insertion(SCARDCONTEXT context)
{
    DWORD current = show_one(context, "empty", READER_B, SCARD_STATE_UNAWARE, 0);

    request_action("insert B");
    current = show_one(context, "insertion", READER_B, current, LONG_MS);
    show_one(context, "and then", READER_B, current, SHORT_MS);
    show_swap(context, current);
    request_action("remove B");
    current = show_one(context, "removal", READER_B, SCARD_STATE_PRESENT, LONG_MS);
    request_action("mute B on");
    request_action("insert B");
    wait_for_state(context, READER_B, SCARD_STATE_MUTE, 0);
    show_one(context, "mute card", READER_B, current, LONG_MS);
    request_action("mute B off");
    remove_card(context, 'B');
    show_one(context, "empty again", READER_B, current, 0);
}

static void
show_list(SCARDCONTEXT context, const char *case_name, SCARD_READERSTATE *states, DWORD count)
{
    show(SCardGetStatusChange(context, 0, states, count), "%s", case_name);
    for (DWORD i = 0; i < count; i++)
        show_state(&states[i]);
}

static void
show_lists(SCARDCONTEXT context)
{
    SCARD_READERSTATE known[] = {new_state(READER_A, 0), new_state(READER_B, 0),
                                 new_state(READER_C, 0), new_state(READER_C2, 0)};
    SCARD_READERSTATE twice[] = {new_state(READER_A, 0), new_state(READER_A, SCARD_STATE_PRESENT)};
    SCARD_READERSTATE unknown[] = {new_state(READER_A, 0), new_state("Unknown Reader", 0)};
    SCARD_READERSTATE ignored[] = {new_state(READER_A, SCARD_STATE_IGNORE),
                                   new_state("Unknown Reader", SCARD_STATE_IGNORE)};
    SCARD_READERSTATE partly[] = {new_state(READER_A, SCARD_STATE_IGNORE), new_state(READER_B, 0)};
    SCARD_READERSTATE nameless[] = {new_state(READER_A, 0), new_state(NULL, 0)};
    SCARD_READERSTATE unknown_too[] = {new_state(READER_A, SCARD_STATE_EMPTY),
                                       new_state("Unknown Reader", SCARD_STATE_UNKNOWN)};

    show_list(context, "all readers", known, 4);
    show_list(context, "one reader twice", twice, 2);
    show_list(context, "an unknown reader", unknown, 2);
    show_list(context, "unknown, as it should be", unknown_too, 2);
    show_list(context, "all ignored", ignored, 2);
    show_list(context, "one ignored", partly, 2);
    show_list(context, "one without a name", nameless, 2);
    show(SCardGetStatusChange(context, 0, NULL, 0), "nothing");
    show(SCardGetStatusChange(context, 0, NULL, 1), "no list");
    show(SCardGetStatusChange(context, INFINITE, NULL, 0), "nothing for ever");
}

static void
show_many(SCARDCONTEXT context)
{
    SCARD_READERSTATE states[MANY];

    for (size_t i = 0; i < MANY; i++)
        states[i] = new_state(READER_A, SCARD_STATE_UNAWARE);
    show(SCardGetStatusChange(context, 0, states, MANY - 1), "many entries");
    show_state(&states[MANY - 2]);
    show(SCardGetStatusChange(context, 0, states, MANY), "one more");
}

static void
show_new_readers(SCARDCONTEXT context)
{
    SCARD_READERSTATE both[] = {new_state(NEW_READERS, 0), new_state(READER_A, 0)};

    show_one(context, "new readers", NEW_READERS, SCARD_STATE_UNAWARE, 0);
    show_one(context, "new readers, for a while", NEW_READERS, SCARD_STATE_UNAWARE, SHORT_MS);
    show_one(context, "new readers, ignored", NEW_READERS, SCARD_STATE_IGNORE, 0);
    show_one(context, "new readers, in capitals", "\\\\?PNP?\\NOTIFICATION", SCARD_STATE_UNAWARE,
             0);
    show_list(context, "new readers and a card", both, 2);
    both[0].dwCurrentState = both[0].dwEventState;
    both[1].dwCurrentState = both[1].dwEventState;
    show_list(context, "neither", both, 2);
}

/* The wait does not end before the timeout. There is no upper bound that a test could check. */
static void
show_time(SCARDCONTEXT context)
{
    SCARD_READERSTATE state = new_state(READER_A, SCARD_STATE_PRESENT);
    struct timespec start, end;

    clock_gettime(CLOCK_MONOTONIC, &start);
    LONG code = SCardGetStatusChange(context, SHORT_MS, &state, 1);
    clock_gettime(CLOCK_MONOTONIC, &end);
    long passed = (end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000;
    show(code, "time-out");
    show_word(passed >= (SHORT_MS - 1) * 1000 ? "in time" : "too early");
    show_one(context, "a change is reported immediately", READER_A, SCARD_STATE_EMPTY, INFINITE);
    show_one(context, "also with all 64 bits", READER_A, SCARD_STATE_EMPTY, (DWORD)-1);
}

void
run_changes(void)
{
    SCARDCONTEXT context = new_context();

    show_current_states(context, READER_A);
    show_current_states(context, READER_B);
    show_one(context, "unknown", "Unknown Reader", SCARD_STATE_UNAWARE, 0);
    show_one(context, "unknown, ignored", "Unknown Reader", SCARD_STATE_IGNORE, 0);
    show_one(context, "unknown, known to be", "Unknown Reader", SCARD_STATE_UNKNOWN, 0);
    show_one(context, "no name", NULL, SCARD_STATE_UNAWARE, 0);
    show_one(context, "no name, ignored", NULL, SCARD_STATE_IGNORE, 0);
    show_use(context, SCARD_SHARE_SHARED);
    show_use(context, SCARD_SHARE_EXCLUSIVE);
    show_use(context, SCARD_SHARE_DIRECT);
    show_use_by_another(context, "shared");
    show_use_by_another(context, "exclusive");
    show_insertion(context);
    show_lists(context);
    show_many(context);
    show_new_readers(context);
    show_time(context);
    release_context(context);
}
