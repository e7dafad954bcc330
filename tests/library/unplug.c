/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Readers that are plugged in and pulled out: the subject begins without one. A reader is told by
 * its port, 1-1 or 1-2, and has a name once it is in.
 */

#include "show.h"
#include "stage.h"
#include "subjects.h"
#include "wait.h"
#include "walk.h"

#include <stdbool.h>
#include <string.h>

#define FIRST "Simulated USB Reader 00 00"
#define SECOND "Simulated USB Reader 01 00"
#define NEW_READERS "\\\\?PnP?\\Notification"

enum { ROUND_MS = 20, PATIENCE_ROUNDS = 1500 };

static void
show_list(const char *when, SCARDCONTEXT context)
{
    char names[200];
    DWORD length = sizeof names;

    memset(names, FILLING, sizeof names);
    show(SCardListReaders(context, NULL, names, &length), "readers %s", when);
    show_number("length", length);
    show_text("names", names, sizeof names);
}

static void
show_no_reader(SCARDCONTEXT context)
{
    char *names = NULL;
    DWORD length = UNTOUCHED;
    SCARD_READERSTATE state = {.szReader = FIRST};

    show(SCardListReaders(context, NULL, NULL, &length), "no reader, no buffer");
    show_number("length", length);
    length = SCARD_AUTOALLOCATE;
    show(SCardListReaders(context, NULL, (char *)&names, &length), "no reader, allocated");
    show_number("length", length == SCARD_AUTOALLOCATE ? UNTOUCHED : length);
    show_word(names == NULL ? "nothing" : "a pointer");
    show(SCardGetStatusChange(context, 0, &state, 1), "no reader, status change");
}

static bool
is_listed(SCARDCONTEXT context, const char *reader)
{
    SCARD_READERSTATE state = {.szReader = reader};

    return SCardGetStatusChange(context, 0, &state, 1) != (LONG)SCARD_E_UNKNOWN_READER;
}

/* Before 2.3 pcsc-lite tells nobody of what came just before the wait: hence the short ones. */
static void
wait_until_listed(SCARDCONTEXT context, const char *reader, bool listed)
{
    SCARD_READERSTATE state = {.szReader = NEW_READERS};

    for (int round = 0; is_listed(context, reader) != listed; round++) {
        if (round == PATIENCE_ROUNDS)
            demand(SCARD_E_TIMEOUT, "waiting for a reader");
        SCardGetStatusChange(context, ROUND_MS, &state, 1);
    }
}

/* The wait may begin late: then it is ended by a later one. */
static void
show_wait(SCARDCONTEXT context)
{
    SCARDCONTEXT waiting = new_context();
    struct wait wait;

    wait_start(&wait, waiting, NEW_READERS, SCARD_STATE_UNAWARE, INFINITE);
    for (;;) {
        ask("plug 1-1");
        wait_until_listed(context, FIRST, true);
        if (atomic_load(&wait.is_over))
            break;
        ask("unplug 1-1");
        wait_until_listed(context, FIRST, false);
    }
    wait_join(&wait);
    release(waiting);
    show(wait.code, "a reader comes");
    show_bits("event", wait.state.dwEventState & 0xFFFF);
}

static void
show_unplugged_in_use(SCARDCONTEXT context)
{
    ask("insert 001/002");
    wait_for_state(context, FIRST, SCARD_STATE_PRESENT, 0);
    SCARDHANDLE card = new_card(context, FIRST, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    SCARDHANDLE second = new_card(context, FIRST, SCARD_SHARE_DIRECT, 0);

    demand(SCardBeginTransaction(card), "begin");
    ask("unplug 1-1");
    wait_until_listed(context, FIRST, false);
    walk("unplugged", card);
    walk("unplugged, direct", second);
    DWORD protocol = UNTOUCHED;
    show(SCardReconnect(card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &protocol),
         "unplugged, reconnect");
    show_number("protocol", protocol);
    ask("plug 1-1");
    wait_until_listed(context, FIRST, true);
    walk("plugged in again", card);
    show(SCardDisconnect(card, SCARD_LEAVE_CARD), "disconnect");
    show(SCardDisconnect(card, SCARD_LEAVE_CARD), "once more");
    show(SCardDisconnect(second, SCARD_RESET_CARD), "disconnect, direct");
}

static void
show_state(SCARDCONTEXT context, const char *reader)
{
    SCARD_READERSTATE state = {.szReader = reader};

    state.dwEventState = UNTOUCHED;
    show(SCardGetStatusChange(context, 0, &state, 1), "state");
    show_bits("event", state.dwEventState);
}

void
run_unplug(void)
{
    SCARDCONTEXT context = new_context();

    show_no_reader(context);
    show_wait(context);
    show_list("after one has come", context);
    show_unplugged_in_use(context);
    ask("plug 1-2");
    wait_until_listed(context, SECOND, true);
    show_list("after two have come", context);
    show_state(context, FIRST);
    show_state(context, SECOND);
    ask("unplug 1-1");
    wait_until_listed(context, FIRST, false);
    show_list("after the first has gone", context);
    ask("unplug 1-2");
    wait_until_listed(context, SECOND, false);
    show_list("after both have gone", context);
    show_no_reader(context);
    release(context);
}
