/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCardReconnect: the effect on the card, the protocol, and other handles. */

#include "all-calls.h"
#include "fixture.h"
#include "show.h"
#include "subjects.h"

static LONG
show_reconnect(const char *case_name, SCARDHANDLE card, DWORD share_mode, DWORD protocols,
               DWORD initialization)
{
    DWORD protocol = UNTOUCHED;
    LONG code = SCardReconnect(card, share_mode, protocols, initialization, &protocol);

    show(code, "%s, mode %lu, protocols %#lx, card %lu", case_name, (unsigned long)share_mode,
         (unsigned long)protocols, (unsigned long)initialization);
    show_number("protocol", protocol);
    return code;
}

/* With one handle only. The card has the PIN verified until it is reset. */
static void
show_alone(SCARDCONTEXT context, DWORD share_mode, DWORD protocols, DWORD initialization)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    verify_pin(card);
    show_reconnect("alone", card, share_mode, protocols, initialization);
    if (protocols != SCARD_PROTOCOL_RAW)
        show_verified(card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
show_all_alone(SCARDCONTEXT context)
{
    static const DWORD protocols[] = {
        0, SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1, BOTH_PROTOCOLS, SCARD_PROTOCOL_RAW, 0x10};

    for (DWORD initialization = 0; initialization <= SCARD_EJECT_CARD + 1; initialization++)
        for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
            show_alone(context, SCARD_SHARE_SHARED, protocols[i], initialization);
    for (DWORD share_mode = 0; share_mode <= 4; share_mode++)
        show_alone(context, share_mode, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
}

static void
show_with_witness(SCARDCONTEXT context, DWORD initialization)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    SCARDHANDLE witness = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    show_reconnect("with a witness", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, initialization);
    show(SCardBeginTransaction(witness), "the witness begins");
    SCardEndTransaction(witness, SCARD_LEAVE_CARD);
    show_reconnect("the witness", witness, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
    show(SCardBeginTransaction(witness), "the witness begins again");
    SCardEndTransaction(witness, SCARD_LEAVE_CARD);
    disconnect_card(witness, SCARD_LEAVE_CARD);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

/* A reconnect does not end the transaction. */
static void
show_in_transaction(SCARDCONTEXT context, DWORD initialization)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    require_success(SCardBeginTransaction(card), "begin");
    show_reconnect("in a transaction", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, initialization);
    show(SCardEndTransaction(card, SCARD_LEAVE_CARD), "its end");
    show(SCardEndTransaction(card, SCARD_LEAVE_CARD), "its end once more");
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
show_change_of_mode(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS);

    show_reconnect("exclusive", card, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
    show_reconnect("exclusive", card, SCARD_SHARE_DIRECT, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
    disconnect_card(card, SCARD_UNPOWER_CARD);

    card = new_card(context, READER_A, SCARD_SHARE_DIRECT, 0);
    show_reconnect("direct", card, SCARD_SHARE_DIRECT, 0, SCARD_LEAVE_CARD);
    show_reconnect("direct", card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0, SCARD_LEAVE_CARD);
    show_transmit("direct no more", card, SCARD_PCI_T0);
    disconnect_card(card, SCARD_UNPOWER_CARD);

    card = new_card(context, READER_B, SCARD_SHARE_DIRECT, 0);
    show_reconnect("direct, no card", card, SCARD_SHARE_DIRECT, 0, SCARD_LEAVE_CARD);
    show_reconnect("direct, no card", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
    show_reconnect("direct, no card", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_RESET_CARD);
    show_status("direct still", card);
    disconnect_card(card, SCARD_LEAVE_CARD);
}

static void
show_removed(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    remove_card(context, 'A');
    show_reconnect("removed", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
    show_status("removed", card);
    show_reconnect("removed", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_RESET_CARD);
    show_status("removed, after a reset in vain", card);
    show_reconnect("removed", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_UNPOWER_CARD);
    insert_card(context, 'A');
    show_status("the next card", card);
    show_reconnect("the next card", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
    show_status("the next card, reconnected", card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
show_mute(SCARDCONTEXT context)
{
    insert_card(context, 'B');
    SCARDHANDLE card = new_card(context, READER_B, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    request_action("mute B on");
    show_reconnect("mute", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
    show_reconnect("mute", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_RESET_CARD);
    show_reconnect("mute", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_UNPOWER_CARD);
    show_transmit("mute", card, SCARD_PCI_T1);
    request_action("mute B off");
    show_reconnect("mute no more", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_UNPOWER_CARD);
    show_transmit("mute no more", card, SCARD_PCI_T0);
    disconnect_card(card, SCARD_LEAVE_CARD);
    remove_card(context, 'B');
}

static void
show_bad_arguments(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    show(SCardReconnect(card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, NULL),
         "no protocol");
    disconnect_card(card, SCARD_UNPOWER_CARD);
    show_reconnect("disconnected", card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
    show_reconnect("none", 0, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD);
}

void
run_reconnect(void)
{
    SCARDCONTEXT context = new_context();

    show_bad_arguments(context);
    show_all_alone(context);
    for (DWORD initialization = 0; initialization <= SCARD_UNPOWER_CARD; initialization++) {
        show_with_witness(context, initialization);
        show_in_transaction(context, initialization);
    }
    show_change_of_mode(context);
    show_removed(context);
    show_mute(context);
    release_context(context);
}
