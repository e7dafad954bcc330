/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Readers that are plugged in and unplugged. There must be no reader when the subject begins.
 * Requests name a reader by its port, 1-1 or 1-2.
 */

#include "all-calls.h"
#include "fixture.h"
#include "show.h"
#include "status-wait.h"
#include "subjects.h"

#include <stdbool.h>
#include <string.h>

#define FIRST "Simulated USB Reader 00 00"
#define SECOND "Simulated USB Reader 01 00"
#define NEW_READERS "\\\\?PnP?\\Notification"

enum { ROUND_MS = 20, MAX_ROUNDS = 1500 };

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

/* pcsc-lite before 2.3 does not report changes just before the wait: use short waits. */
static void
wait_until_listed(SCARDCONTEXT context, const char *reader, bool listed)
{
    SCARD_READERSTATE state = {.szReader = NEW_READERS};

    for (int round = 0; is_listed(context, reader) != listed; round++) {
        if (round == MAX_ROUNDS)
            require_success(SCARD_E_TIMEOUT, "waiting for a reader");
        SCardGetStatusChange(context, ROUND_MS, &state, 1);
    }
}

/* The wait may begin after the first change; then a later change ends it. */
static void
show_wait(SCARDCONTEXT context)
{
    SCARDCONTEXT waiting = new_context();
    struct status_wait wait;

    status_wait_start(&wait, waiting, NEW_READERS, SCARD_STATE_UNAWARE, INFINITE);
    for (;;) {
        request_action("plug 1-1");
        wait_until_listed(context, FIRST, true);
        if (atomic_load(&wait.is_over))
            break;
        request_action("unplug 1-1");
        wait_until_listed(context, FIRST, false);
    }
    status_wait_join(&wait);
    release_context(waiting);
    show(wait.code, "a reader comes");
    show_bits("event", wait.state.dwEventState & 0xFFFF);
}

static void
show_unplugged_in_use(SCARDCONTEXT context)
{
    request_action("insert 001/002");
    wait_for_state(context, FIRST, SCARD_STATE_PRESENT, 0);
    SCARDHANDLE card = new_card(context, FIRST, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    SCARDHANDLE second = new_card(context, FIRST, SCARD_SHARE_DIRECT, 0);

    require_success(SCardBeginTransaction(card), "begin");
    request_action("unplug 1-1");
    wait_until_listed(context, FIRST, false);
    show_all_calls("unplugged", card);
    show_all_calls("unplugged, direct", second);
    DWORD protocol = UNTOUCHED;
    show(SCardReconnect(card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &protocol),
         "unplugged, reconnect");
    show_number("protocol", protocol);
    request_action("plug 1-1");
    wait_until_listed(context, FIRST, true);
    show_all_calls("plugged in again", card);
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
    request_action("plug 1-2");
    wait_until_listed(context, SECOND, true);
    show_list("after two have come", context);
    show_state(context, FIRST);
    show_state(context, SECOND);
    request_action("unplug 1-1");
    wait_until_listed(context, FIRST, false);
    show_list("after the first has gone", context);
    request_action("unplug 1-2");
    wait_until_listed(context, SECOND, false);
    show_list("after both have gone", context);
    show_no_reader(context);
    release_context(context);
}
