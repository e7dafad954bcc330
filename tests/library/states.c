/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each function in each state of handle, card and reader that one program alone can cause. */

#include "all-calls.h"
#include "fixture.h"
#include "show.h"
#include "subjects.h"

static void
walk_connected(const char *state, SCARDCONTEXT context, const char *reader, DWORD share_mode,
               DWORD protocols)
{
    SCARDHANDLE card = new_card(context, reader, share_mode, protocols);

    show_all_calls(state, card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
walk_transaction(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    require_success(SCardBeginTransaction(card), "begin");
    show_all_calls("in a transaction", card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
walk_after_another(const char *state, SCARDCONTEXT context, DWORD disposition)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    SCARDHANDLE another = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    disconnect_card(another, disposition);
    show_all_calls(state, card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
walk_after_own_reset(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    require_success(SCardBeginTransaction(card), "begin");
    require_success(SCardEndTransaction(card, SCARD_RESET_CARD), "end");
    show_all_calls("reset by its own end", card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
walk_removed(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    require_success(SCardBeginTransaction(card), "begin");
    remove_card(context, 'A');
    show_all_calls("card removed", card);
    insert_card(context, 'A');
    show_all_calls("card removed, another one in", card);
    SCARDHANDLE next = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    show_all_calls("the next card", next);
    show_all_calls("its predecessor still", card);
    disconnect_card(card, SCARD_RESET_CARD);
    disconnect_card(next, SCARD_UNPOWER_CARD);
}

static void
walk_direct(SCARDCONTEXT context)
{
    walk_connected("direct", context, READER_A, SCARD_SHARE_DIRECT, 0);
    walk_connected("direct by T=1", context, READER_A, SCARD_SHARE_DIRECT, SCARD_PROTOCOL_T1);
    walk_connected("direct, no card", context, READER_B, SCARD_SHARE_DIRECT, 0);

    SCARDHANDLE card = new_card(context, READER_B, SCARD_SHARE_DIRECT, 0);
    insert_card(context, 'B');
    show_all_calls("direct, a card has come", card);
    remove_card(context, 'B');
    show_all_calls("direct, the card has gone", card);
    disconnect_card(card, SCARD_LEAVE_CARD);
}

/* A handle for the raw protocol changes the protocol of all other handles. */
static void
walk_raw(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    SCARDHANDLE raw = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_RAW);

    show_all_calls("raw", raw);
    show_all_calls("beside a raw one", card);
    disconnect_card(raw, SCARD_LEAVE_CARD);
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
walk_dead(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    disconnect_card(card, SCARD_UNPOWER_CARD);
    show_all_calls("disconnected", card);
    show_all_calls("none", 0);
    show_all_calls("negative", -1);
    show_all_calls("unknown", 0x12345678);

    SCARDCONTEXT other = new_context();
    card = new_card(other, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    release_context(other);
    show_all_calls("of a released context", card);
}

static void
walk_faulty(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    request_action("fail A 1");
    show_transmit("the reader fails once", card, SCARD_PCI_T1);
    show_transmit("then not", card, SCARD_PCI_T1);
    request_action("pull A");
    show_transmit("pulled in mid-command", card, SCARD_PCI_T1);
    wait_for_state(context, READER_A, SCARD_STATE_EMPTY, 0);
    show_all_calls("pulled", card);
    disconnect_card(card, SCARD_LEAVE_CARD);
    insert_card(context, 'A');
}

void
run_states(void)
{
    SCARDCONTEXT context = new_context();

    request_action("control A %lX 0102039000", (unsigned long)KNOWN_CODE);
    request_action("attribute A %lX 534D41525400", (unsigned long)KNOWN_ATTRIBUTE);
    walk_connected("shared by T=0", context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0);
    walk_connected("shared by T=1", context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    walk_connected("exclusive", context, READER_A, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T1);
    walk_direct(context);
    walk_transaction(context);
    walk_after_another("reset by another handle", context, SCARD_RESET_CARD);
    walk_after_another("unpowered by another handle", context, SCARD_UNPOWER_CARD);
    walk_after_own_reset(context);
    walk_removed(context);
    walk_raw(context);
    walk_faulty(context);
    walk_dead(context);
    release_context(context);
}
