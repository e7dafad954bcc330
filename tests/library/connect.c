/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCardConnect: share modes, protocols, names, and missing or mute cards. */

#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include <stdio.h>
#include <string.h>

static const DWORD protocols[] = {
    0, SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1, BOTH_PROTOCOLS, SCARD_PROTOCOL_RAW,
    /* SCARD_PROTOCOL_ANY of older programs; a protocol that no card here has; an invalid one. */
    0x1000, SCARD_PROTOCOL_T15, SCARD_PROTOCOL_T15 | SCARD_PROTOCOL_T1, 0x10};
enum { PROTOCOLS = sizeof protocols / sizeof protocols[0] };

/* Powers the card down at the end, so that the cases do not depend on each other. */
static void
show_connect(const char *case_name, SCARDCONTEXT context, const char *reader, DWORD share_mode,
             DWORD wanted)
{
    SCARDHANDLE card = (SCARDHANDLE)UNTOUCHED;
    DWORD protocol = UNTOUCHED;
    LONG code = SCardConnect(context, reader, share_mode, wanted, &card, &protocol);

    show(code, "%s, mode %lu, protocols %#lx", case_name, (unsigned long)share_mode,
         (unsigned long)wanted);
    show_handle("card", card);
    show_number("protocol", protocol);
    if (code == SCARD_S_SUCCESS)
        disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
show_modes(const char *case_name, SCARDCONTEXT context, const char *reader)
{
    for (DWORD share_mode = 0; share_mode <= 4; share_mode++)
        for (size_t i = 0; i < PROTOCOLS; i++)
            show_connect(case_name, context, reader, share_mode, protocols[i]);
}

static void
show_three_modes(const char *case_name, SCARDCONTEXT context, const char *reader)
{
    show_connect(case_name, context, reader, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    show_connect(case_name, context, reader, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS);
    show_connect(case_name, context, reader, SCARD_SHARE_DIRECT, 0);
    show_connect(case_name, context, reader, SCARD_SHARE_DIRECT, BOTH_PROTOCOLS);
}

static void
show_names(SCARDCONTEXT context)
{
    char name[200];

    show_connect("no name", context, NULL, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    show_connect("unknown", context, "Unknown Reader 00 00", SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    show_connect("unknown", context, "Unknown Reader 00 00", 0, BOTH_PROTOCOLS);
    show_connect("unknown", context, "Unknown Reader 00 00", SCARD_SHARE_SHARED, 0);
    show_connect("cut off", context, "Simulated Reader A", SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    show_connect("other case", context, "simulated reader a 00 00", SCARD_SHARE_SHARED,
                 BOTH_PROTOCOLS);
    show_connect("not UTF-8", context, "\xFF\xFE", SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    for (int length = MAX_READERNAME - 2; length <= MAX_READERNAME + 1; length++) {
        snprintf(name, sizeof name, "%0*d", length, 0);
        show_connect("long", context, name, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
        show_number("characters", (DWORD)length);
    }
}

static void
show_nowhere(SCARDCONTEXT context)
{
    SCARDHANDLE card = (SCARDHANDLE)UNTOUCHED;
    DWORD protocol = UNTOUCHED;

    show(SCardConnect(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, NULL, &protocol),
         "no handle");
    show_number("protocol", protocol);
    show(SCardConnect(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, &card, NULL),
         "no protocol");
    show_handle("card", card);
}

/* All handles of a card, of all programs, have the protocol that the first one negotiated. */
static void
show_second(SCARDCONTEXT context, DWORD first)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, first);

    for (size_t i = 0; i < PROTOCOLS; i++) {
        SCARDHANDLE second = (SCARDHANDLE)UNTOUCHED;
        DWORD protocol = UNTOUCHED;

        if (protocols[i] == SCARD_PROTOCOL_RAW)
            continue; /* would change the protocol of the first handle as well */
        LONG code =
            SCardConnect(context, READER_A, SCARD_SHARE_SHARED, protocols[i], &second, &protocol);
        show(code, "second after protocol %lu, protocols %#lx", (unsigned long)first,
             (unsigned long)protocols[i]);
        show_number("protocol", protocol);
        if (code == SCARD_S_SUCCESS)
            disconnect_card(second, SCARD_LEAVE_CARD);
    }
    show_connect("second", context, READER_A, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
show_second_after_exclusive(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS);

    show_three_modes("second after exclusive", context, READER_A);
    disconnect_card(card, SCARD_UNPOWER_CARD);
    card = new_card(context, READER_A, SCARD_SHARE_DIRECT, 0);
    show_connect("second after direct", context, READER_A, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
show_mute(SCARDCONTEXT context)
{
    request_action("mute B on");
    request_action("insert B");
    wait_for_state(context, READER_B, SCARD_STATE_MUTE, 0);
    show_three_modes("mute card", context, READER_B);
    request_action("mute B off");
    remove_card(context, 'B');
}

static void
show_one_protocol(SCARDCONTEXT context, const char *atr)
{
    request_action("insert B %s", atr);
    wait_for_state(context, READER_B, SCARD_STATE_PRESENT, SCARD_STATE_MUTE);
    for (size_t i = 0; i < PROTOCOLS; i++)
        show_connect(atr, context, READER_B, SCARD_SHARE_SHARED, protocols[i]);
    remove_card(context, 'B');
}

static void
show_disconnect(SCARDCONTEXT context, DWORD disposition)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    SCARDHANDLE witness = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    DWORD protocol = UNTOUCHED;

    verify_pin(witness);
    show(SCardDisconnect(card, disposition), "disconnect, %lu", (unsigned long)disposition);
    show(SCardDisconnect(card, SCARD_LEAVE_CARD), "once more");
    show(SCardStatus(witness, NULL, NULL, NULL, NULL, NULL, NULL), "who is left");
    show(SCardReconnect(witness, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &protocol),
         "the rest");
    show_number("protocol", protocol);
    show_verified(witness);
    disconnect_card(witness, SCARD_UNPOWER_CARD);
}

void
run_connect(void)
{
    SCARDCONTEXT context = new_context();

    show_modes("card", context, READER_A);
    show_three_modes("no card", context, READER_B);
    show_three_modes("second slot", context, READER_C2);
    show_names(context);
    show_nowhere(context);
    show_second(context, SCARD_PROTOCOL_T0);
    show_second(context, SCARD_PROTOCOL_T1);
    show_second_after_exclusive(context);
    show_mute(context);
    show_one_protocol(context, "3B021450");
    show_one_protocol(context, "3B80800101");
    for (DWORD disposition = SCARD_LEAVE_CARD; disposition <= SCARD_EJECT_CARD + 1; disposition++)
        show_disconnect(context, disposition);
    release_context(context);
}
