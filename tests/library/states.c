/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every function in every state of handle, card and reader that one program can bring about. */

#include "show.h"
#include "stage.h"
#include "subjects.h"
#include "walk.h"

static void
walk_connected(const char *state, SCARDCONTEXT context, const char *reader, DWORD share_mode,
               DWORD protocols)
{
    SCARDHANDLE card = new_card(context, reader, share_mode, protocols);

    walk(state, card);
    disconnect(card, SCARD_UNPOWER_CARD);
}

static void
walk_transaction(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    demand(SCardBeginTransaction(card), "begin");
    walk("in a transaction", card);
    disconnect(card, SCARD_UNPOWER_CARD);
}

static void
walk_after_another(const char *state, SCARDCONTEXT context, DWORD disposition)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    SCARDHANDLE another = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    disconnect(another, disposition);
    walk(state, card);
    disconnect(card, SCARD_UNPOWER_CARD);
}

static void
walk_after_own_reset(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    demand(SCardBeginTransaction(card), "begin");
    demand(SCardEndTransaction(card, SCARD_RESET_CARD), "end");
    walk("reset by its own end", card);
    disconnect(card, SCARD_UNPOWER_CARD);
}

static void
walk_removed(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    demand(SCardBeginTransaction(card), "begin");
    remove_card(context, 'A');
    walk("card removed", card);
    insert_card(context, 'A');
    walk("card removed, another one in", card);
    SCARDHANDLE next = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    walk("the next card", next);
    walk("its predecessor still", card);
    disconnect(card, SCARD_RESET_CARD);
    disconnect(next, SCARD_UNPOWER_CARD);
}

static void
walk_direct(SCARDCONTEXT context)
{
    walk_connected("direct", context, READER_A, SCARD_SHARE_DIRECT, 0);
    walk_connected("direct by T=1", context, READER_A, SCARD_SHARE_DIRECT, SCARD_PROTOCOL_T1);
    walk_connected("direct, no card", context, READER_B, SCARD_SHARE_DIRECT, 0);

    SCARDHANDLE card = new_card(context, READER_B, SCARD_SHARE_DIRECT, 0);
    insert_card(context, 'B');
    walk("direct, a card has come", card);
    remove_card(context, 'B');
    walk("direct, the card has gone", card);
    disconnect(card, SCARD_LEAVE_CARD);
}

/* A handle that asks for no protocol at all changes that of all others. */
static void
walk_raw(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    SCARDHANDLE raw = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_RAW);

    walk("raw", raw);
    walk("beside a raw one", card);
    disconnect(raw, SCARD_LEAVE_CARD);
    disconnect(card, SCARD_UNPOWER_CARD);
}

static void
walk_dead(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    disconnect(card, SCARD_UNPOWER_CARD);
    walk("disconnected", card);
    walk("none", 0);
    walk("negative", -1);
    walk("unknown", 0x12345678);

    SCARDCONTEXT other = new_context();
    card = new_card(other, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    release(other);
    walk("of a released context", card);
}

static void
walk_faulty(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    ask("fail A 1");
    show_transmit("the reader fails once", card, SCARD_PCI_T1);
    show_transmit("then not", card, SCARD_PCI_T1);
    ask("pull A");
    show_transmit("pulled in mid-command", card, SCARD_PCI_T1);
    wait_for_state(context, READER_A, SCARD_STATE_EMPTY, 0);
    walk("pulled", card);
    disconnect(card, SCARD_LEAVE_CARD);
    insert_card(context, 'A');
}

void
run_states(void)
{
    SCARDCONTEXT context = new_context();

    ask("control A %lX 0102039000", (unsigned long)KNOWN_CODE);
    ask("attribute A %lX 534D41525400", (unsigned long)KNOWN_ATTRIBUTE);
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
    release(context);
}
