/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcscd starts and stops. It must not be running when the subject begins. */

#include "all-calls.h"
#include "fixture.h"
#include "show.h"
#include "subjects.h"

static void
show_establish(const char *when)
{
    SCARDCONTEXT context = (SCARDCONTEXT)UNTOUCHED;

    show(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "establish %s", when);
    show_handle("context", context);
    if (SCardIsValidContext(context) == SCARD_S_SUCCESS)
        release_context(context);
}

/* The first call after pcscd has stopped is not shown: its result depends on the moment. */
static void
show_old(const char *when, SCARDCONTEXT context, SCARDHANDLE card)
{
    SCARD_READERSTATE state = {.szReader = READER_A};
    SCARDHANDLE other = (SCARDHANDLE)UNTOUCHED;
    DWORD length = UNTOUCHED, protocol = UNTOUCHED;

    SCardListReaders(context, NULL, NULL, &length);
    length = UNTOUCHED;
    show(SCardIsValidContext(context), "%s, is valid", when);
    show(SCardListReaders(context, NULL, NULL, &length), "%s, list", when);
    show_number("length", length);
    show(SCardListReaderGroups(context, NULL, &length), "%s, groups", when);
    show(SCardGetStatusChange(context, 0, &state, 1), "%s, status change", when);
    show(SCardConnect(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, &other, &protocol),
         "%s, connect", when);
    show_handle("card", other);
    show_all_calls(when, card);
    DWORD active = UNTOUCHED;
    show(SCardReconnect(card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &active),
         "%s, reconnect", when);
    show_number("protocol", active);
}

void
run_no_service(void)
{
    show_establish("without a service");
    request_action("pcscd start");
    show_establish("with it");

    SCARDCONTEXT context = new_context(), second = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    request_action("pcscd stop");
    show_old("service gone", context, card);
    show_establish("after it");
    request_action("pcscd start");
    show_old("service back", context, card);
    show_establish("when it is back");
    show(SCardDisconnect(card, SCARD_LEAVE_CARD), "disconnect an old card");
    show(SCardReleaseContext(context), "release an old context");
    show(SCardReleaseContext(context), "once more");
    show(SCardReleaseContext(second), "release one that was never told");
}
