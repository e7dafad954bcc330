/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two programs that use the same card. */

#include "all-calls.h"
#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include <pthread.h>

enum { MOMENT_MS = 10 };

static void
show_connect(const char *state, SCARDCONTEXT context, DWORD share_mode)
{
    DWORD protocols = share_mode == SCARD_SHARE_DIRECT ? 0 : BOTH_PROTOCOLS;
    SCARDHANDLE card = (SCARDHANDLE)UNTOUCHED;
    DWORD protocol = UNTOUCHED;
    LONG code = SCardConnect(context, READER_A, share_mode, protocols, &card, &protocol);

    show(code, "%s, connect by mode %lu", state, (unsigned long)share_mode);
    show_handle("card", card);
    show_number("protocol", protocol);
    if (code == SCARD_S_SUCCESS)
        disconnect_card(card, SCARD_LEAVE_CARD);
}

/*
 * pcscd powers down a card that nobody uses after some seconds, but after some milliseconds if two
 * uses end while its thread for the reader is late: it takes the second end for the end of that
 * time. A direct connect then gives protocol 0, so that one is shown while the card is in use.
 */
static void
show_connects(const char *state, SCARDCONTEXT context)
{
    SCARDHANDLE user;
    DWORD protocol;

    show_connect(state, context, SCARD_SHARE_SHARED);
    show_connect(state, context, SCARD_SHARE_EXCLUSIVE);
    LONG code =
        SCardConnect(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, &user, &protocol);
    show_connect(state, context, SCARD_SHARE_DIRECT);
    if (code == SCARD_S_SUCCESS)
        disconnect_card(user, SCARD_LEAVE_CARD);
}

static void
show_answer(const char *case_name, const char *answer)
{
    show(SCARD_S_SUCCESS, "%s, the other program", case_name);
    show_word(answer);
}

static void
show_its_connects(const char *state)
{
    show_answer(state, request_action("other connect shared " READER_A));
    request_action("other disconnect leave");
    show_answer(state, request_action("other connect exclusive " READER_A));
    request_action("other disconnect leave");
    show_answer(state, request_action("other connect direct " READER_A));
    request_action("other disconnect leave");
}

static void
show_share_modes(SCARDCONTEXT context)
{
    request_action("other connect shared " READER_A);
    show_connects("it shares", context);
    request_action("other disconnect leave");
    request_action("other connect exclusive " READER_A);
    show_connects("it has the card alone", context);
    request_action("other disconnect leave");
    request_action("other connect direct " READER_A);
    show_connects("it is connected to the reader", context);
    request_action("other disconnect leave");
    show_connects("it has gone", context);

    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    show_its_connects("we share");
    disconnect_card(card, SCARD_UNPOWER_CARD);
    card = new_card(context, READER_A, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS);
    show_its_connects("we have the card alone");
    disconnect_card(card, SCARD_UNPOWER_CARD);
    card = new_card(context, READER_A, SCARD_SHARE_DIRECT, 0);
    show_its_connects("we are connected to the reader");
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
show_its_reset(SCARDCONTEXT context, const char *how)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    DWORD protocol = UNTOUCHED;

    verify_pin(card);
    request_action("other connect shared " READER_A);
    show_answer("its reset", request_action("other %s reset", how));
    show_all_calls(how, card);
    show(SCardReconnect(card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &protocol),
         "%s, reconnect", how);
    show_number("protocol", protocol);
    show_verified(card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
    request_action("other disconnect leave");
}

static void
show_our_reset(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    request_action("other connect shared " READER_A);
    disconnect_card(card, SCARD_RESET_CARD);
    show_answer("our reset", request_action("other begin"));
    show_answer("our reset", request_action("other transmit 00A40400"));
    show_answer("our reset", request_action("other reconnect leave"));
    show_answer("our reset", request_action("other transmit 00A40400"));
    request_action("other disconnect leave");
}

static void
show_its_transaction(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    request_action("other connect shared " READER_A);
    request_action("other begin");
    show_nonblocking_calls("it holds the card", card);
    request_action("other end leave");
    show_all_calls("it holds the card no more", card);
    request_action("other begin");
    show(SCardDisconnect(card, SCARD_LEAVE_CARD), "disconnect while it holds the card");
    request_action("other end leave");
    request_action("other disconnect leave");
}

static void *
begin_in_thread(void *data)
{
    SCARDHANDLE card = *(SCARDHANDLE *)data;
    LONG code = SCardBeginTransaction(card);

    *(LONG *)data = code;
    return NULL;
}

/* The call of this program succeeds whether it comes before or after the other one's end. */
static void
show_hand_over(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    SCARDHANDLE ours = card;
    pthread_t thread;

    request_action("other connect shared " READER_A);
    request_action("other begin");
    pthread_create(&thread, NULL, begin_in_thread, &ours);
    show_answer("it goes on while we wait", request_action("other transmit 00A40400"));
    request_action("other end leave");
    pthread_join(thread, NULL);
    show((LONG)ours, "begin after it");
    request_action("other send begin");
    show_all_calls("it waits for us", card);
    show_answer("it waited", request_action("other answer"));
    request_action("other end leave");
    request_action("other disconnect leave");
    disconnect_card(card, SCARD_UNPOWER_CARD);
}

static void
wait_a_moment(SCARDCONTEXT context)
{
    SCARD_READERSTATE nothing_new = {.szReader = READER_B, .dwCurrentState = SCARD_STATE_EMPTY};

    SCardGetStatusChange(context, MOMENT_MS, &nothing_new, 1);
}

/* pcscd notices the exit of a program on its own, and may not send an event for it. */
static void
wait_until_reset(SCARDCONTEXT context, SCARDHANDLE card)
{
    while (SCardStatus(card, NULL, NULL, NULL, NULL, NULL, NULL) == SCARD_S_SUCCESS)
        wait_a_moment(context);
}

static void
wait_until_free(SCARDCONTEXT context)
{
    SCARDHANDLE card;
    DWORD protocol;

    while (SCardConnect(context, READER_A, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS, &card,
                        &protocol) == (LONG)SCARD_E_SHARING_VIOLATION)
        wait_a_moment(context);
    disconnect_card(card, SCARD_LEAVE_CARD);
}

/* The other program exits without a disconnect: its card is free, and was reset if in a
 * transaction. */
static void
show_its_exit(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    verify_pin(card);
    request_action("other connect shared " READER_A);
    request_action("other begin");
    request_action("other leave");
    wait_until_reset(context, card);
    show(SCardBeginTransaction(card), "it died in a transaction, begin");
    show_status("it died in a transaction", card);
    disconnect_card(card, SCARD_UNPOWER_CARD);

    request_action("other connect exclusive " READER_A);
    request_action("other leave");
    wait_until_free(context);
    show_connects("it died with the card alone", context);
}

static void
show_removal(SCARDCONTEXT context)
{
    request_action("other connect shared " READER_A);
    request_action("other begin");
    SCARDHANDLE card = new_card(context, READER_B, SCARD_SHARE_DIRECT, 0);
    remove_card(context, 'A');
    show_answer("the card has gone", request_action("other transmit 00A40400"));
    show_answer("the card has gone", request_action("other end leave"));
    insert_card(context, 'A');
    show_connects("the next card", context);
    show_answer("the next card", request_action("other begin"));
    show_answer("the next card", request_action("other reconnect leave"));
    show_answer("the next card", request_action("other transmit 00A40400"));
    request_action("other disconnect leave");
    disconnect_card(card, SCARD_LEAVE_CARD);
}

void
run_others(void)
{
    SCARDCONTEXT context = new_context();

    show_share_modes(context);
    show_its_reset(context, "end");
    show_its_reset(context, "reconnect");
    show_its_reset(context, "disconnect");
    show_our_reset(context);
    show_its_transaction(context);
    show_hand_over(context);
    show_removal(context);
    show_its_exit(context);
    release_context(context);
}

/* With PCSCLITE_NO_BLOCKING, calls fail instead of waiting for another program. */
void
run_no_blocking(void)
{
    SCARDCONTEXT context = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    DWORD protocol = UNTOUCHED;

    request_action("other connect shared " READER_A);
    show(SCardReconnect(card, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &protocol),
         "reconnect, to have it alone");
    show_number("protocol", protocol);
    show_status("it shares", card);
    request_action("other begin");
    show_status("it holds the card", card);
    show_transmit("it holds the card", card, SCARD_PCI_T1);
    show_nonblocking_calls("it holds the card", card);
    request_action("other end leave");
    show_all_calls("it holds the card no more", card);
    disconnect_card(card, SCARD_LEAVE_CARD);
    request_action("other disconnect leave");
    release_context(context);
}
