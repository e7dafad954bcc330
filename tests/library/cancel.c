/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCardCancel: ends the SCardGetStatusChange that is running, and has no other effect. */

#include "fixture.h"
#include "show.h"
#include "status-wait.h"
#include "subjects.h"

#include <sched.h>

static void
start(struct status_wait *wait, SCARDCONTEXT context, DWORD milliseconds)
{
    status_wait_start(wait, context, READER_B, SCARD_STATE_EMPTY, milliseconds);
}

/* A cancellation before the wait has no effect, so it is repeated until the wait is over. */
static void
cancel_until_over(struct status_wait *wait)
{
    while (!atomic_load(&wait->is_over)) {
        SCardCancel(wait->context);
        sched_yield();
    }
    status_wait_join(wait);
}

static void
show_wait(const char *case_name, const struct status_wait *wait)
{
    show(wait->code, "%s", case_name);
    show_bits("event", wait->state.dwEventState);
}

static void
show_early(SCARDCONTEXT context)
{
    SCARD_READERSTATE state = {.szReader = READER_B, .dwCurrentState = SCARD_STATE_EMPTY};

    show(SCardCancel(context), "early");
    show(SCardGetStatusChange(context, 0, &state, 1), "a look after it");
    show(SCardCancel(context), "early again");
    show(SCardCancel(context), "and once more");
    show(SCardGetStatusChange(context, 30, &state, 1), "a wait after it");
}

static void
show_two(void)
{
    struct status_wait first, second;
    SCARDCONTEXT contexts[2] = {new_context(), new_context()};

    start(&first, contexts[0], INFINITE);
    start(&second, contexts[1], INFINITE);
    cancel_until_over(&first);
    show_wait("one of two waits", &first);
    request_action("insert B");
    status_wait_join(&second);
    show_wait("the other one", &second);
    remove_card(contexts[0], 'B');
    release_context(contexts[0]);
    release_context(contexts[1]);
}

static void
show_after_calls(SCARDCONTEXT context)
{
    struct status_wait wait;
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    start(&wait, context, 30000);
    cancel_until_over(&wait);
    show_wait("with a card handle", &wait);
    show(SCardStatus(card, NULL, NULL, NULL, NULL, NULL, NULL), "the handle after it");
    disconnect_card(card, SCARD_UNPOWER_CARD);
    show(SCardIsValidContext(context), "the context after it");
}

void
run_cancel(void)
{
    SCARDCONTEXT context = new_context();
    struct status_wait wait;

    show_early(context);
    start(&wait, context, INFINITE);
    cancel_until_over(&wait);
    show_wait("without end", &wait);
    start(&wait, context, 30000);
    cancel_until_over(&wait);
    show_wait("half a minute", &wait);
    show_after_calls(context);
    show_two();
    release_context(context);
}
