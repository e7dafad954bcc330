/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another program at the same card: what it does to ours, and ours to it. */

#include "show.h"
#include "stage.h"
#include "subjects.h"
#include "walk.h"

#include <pthread.h>

enum { MOMENT_MS = 10 };

static void
show_connects(const char *state, SCARDCONTEXT context)
{
    static const DWORD share_modes[] = {SCARD_SHARE_SHARED, SCARD_SHARE_EXCLUSIVE,
                                        SCARD_SHARE_DIRECT};

    for (size_t i = 0; i < sizeof share_modes / sizeof share_modes[0]; i++) {
        DWORD protocols = share_modes[i] == SCARD_SHARE_DIRECT ? 0 : BOTH_PROTOCOLS;
        SCARDHANDLE card = (SCARDHANDLE)UNTOUCHED;
        DWORD protocol = UNTOUCHED;
        LONG code = SCardConnect(context, READER_A, share_modes[i], protocols, &card, &protocol);

        show(code, "%s, connect by mode %lu", state, (unsigned long)share_modes[i]);
        show_handle("card", card);
        show_number("protocol", protocol);
        if (code == SCARD_S_SUCCESS)
            disconnect(card, SCARD_LEAVE_CARD);
    }
}

static void
show_answer(const char *what, const char *answer)
{
    show(SCARD_S_SUCCESS, "%s, the other program", what);
    show_word(answer);
}

static void
show_its_connects(const char *state)
{
    show_answer(state, ask("other connect shared " READER_A));
    ask("other disconnect leave");
    show_answer(state, ask("other connect exclusive " READER_A));
    ask("other disconnect leave");
    show_answer(state, ask("other connect direct " READER_A));
    ask("other disconnect leave");
}

static void
show_share_modes(SCARDCONTEXT context)
{
    ask("other connect shared " READER_A);
    show_connects("it shares", context);
    ask("other disconnect leave");
    ask("other connect exclusive " READER_A);
    show_connects("it has the card alone", context);
    ask("other disconnect leave");
    ask("other connect direct " READER_A);
    show_connects("it is connected to the reader", context);
    ask("other disconnect leave");
    show_connects("it has gone", context);

    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    show_its_connects("we share");
    disconnect(card, SCARD_UNPOWER_CARD);
    card = new_card(context, READER_A, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS);
    show_its_connects("we have the card alone");
    disconnect(card, SCARD_UNPOWER_CARD);
    card = new_card(context, READER_A, SCARD_SHARE_DIRECT, 0);
    show_its_connects("we are connected to the reader");
    disconnect(card, SCARD_UNPOWER_CARD);
}

static void
show_its_reset(SCARDCONTEXT context, const char *how)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    DWORD protocol = UNTOUCHED;

    verify_pin(card);
    ask("other connect shared " READER_A);
    show_answer("its reset", ask("other %s reset", how));
    walk(how, card);
    show(SCardReconnect(card, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &protocol),
         "%s, reconnect", how);
    show_number("protocol", protocol);
    show_verified(card);
    disconnect(card, SCARD_UNPOWER_CARD);
    ask("other disconnect leave");
}

static void
show_our_reset(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    ask("other connect shared " READER_A);
    disconnect(card, SCARD_RESET_CARD);
    show_answer("our reset", ask("other begin"));
    show_answer("our reset", ask("other transmit 00A40400"));
    show_answer("our reset", ask("other reconnect leave"));
    show_answer("our reset", ask("other transmit 00A40400"));
    ask("other disconnect leave");
}

static void
show_its_transaction(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    ask("other connect shared " READER_A);
    ask("other begin");
    walk_promptly("it holds the card", card);
    ask("other end leave");
    walk("it holds the card no more", card);
    ask("other begin");
    show(SCardDisconnect(card, SCARD_LEAVE_CARD), "disconnect while it holds the card");
    ask("other end leave");
    ask("other disconnect leave");
}

static void *
begin_in_thread(void *data)
{
    SCARDHANDLE card = *(SCARDHANDLE *)data;
    LONG code = SCardBeginTransaction(card);

    *(LONG *)data = code;
    return NULL;
}

/* Whether our call comes before or after the end, it succeeds. */
static void
show_hand_over(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    SCARDHANDLE ours = card;
    pthread_t thread;

    ask("other connect shared " READER_A);
    ask("other begin");
    pthread_create(&thread, NULL, begin_in_thread, &ours);
    show_answer("it goes on while we wait", ask("other transmit 00A40400"));
    ask("other end leave");
    pthread_join(thread, NULL);
    show((LONG)ours, "begin after it");
    ask("other send begin");
    walk("it waits for us", card);
    show_answer("it waited", ask("other answer"));
    ask("other end leave");
    ask("other disconnect leave");
    disconnect(card, SCARD_UNPOWER_CARD);
}

static void
pass_a_moment(SCARDCONTEXT context)
{
    SCARD_READERSTATE nothing_new = {.szReader = READER_B, .dwCurrentState = SCARD_STATE_EMPTY};

    SCardGetStatusChange(context, MOMENT_MS, &nothing_new, 1);
}

/* pcscd finds out by itself that a program has died, and may tell nobody what that changes. */
static void
wait_until_reset(SCARDCONTEXT context, SCARDHANDLE card)
{
    while (SCardStatus(card, NULL, NULL, NULL, NULL, NULL, NULL) == SCARD_S_SUCCESS)
        pass_a_moment(context);
}

static void
wait_until_free(SCARDCONTEXT context)
{
    SCARDHANDLE card;
    DWORD protocol;

    while (SCardConnect(context, READER_A, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS, &card,
                        &protocol) == (LONG)SCARD_E_SHARING_VIOLATION)
        pass_a_moment(context);
    disconnect(card, SCARD_LEAVE_CARD);
}

/* It dies: what it held is free, and a transaction resets the card. */
static void
show_its_death(SCARDCONTEXT context)
{
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    verify_pin(card);
    ask("other connect shared " READER_A);
    ask("other begin");
    ask("other leave");
    wait_until_reset(context, card);
    show(SCardBeginTransaction(card), "it died in a transaction, begin");
    show_status("it died in a transaction", card);
    disconnect(card, SCARD_UNPOWER_CARD);

    ask("other connect exclusive " READER_A);
    ask("other leave");
    wait_until_free(context);
    show_connects("it died with the card alone", context);
}

static void
show_removal(SCARDCONTEXT context)
{
    ask("other connect shared " READER_A);
    ask("other begin");
    SCARDHANDLE card = new_card(context, READER_B, SCARD_SHARE_DIRECT, 0);
    remove_card(context, 'A');
    show_answer("the card has gone", ask("other transmit 00A40400"));
    show_answer("the card has gone", ask("other end leave"));
    insert_card(context, 'A');
    show_connects("the next card", context);
    show_answer("the next card", ask("other begin"));
    show_answer("the next card", ask("other reconnect leave"));
    show_answer("the next card", ask("other transmit 00A40400"));
    ask("other disconnect leave");
    disconnect(card, SCARD_LEAVE_CARD);
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
    show_its_death(context);
    release(context);
}

/* To be run with PCSCLITE_NO_BLOCKING: what would wait for another program is refused. */
void
run_no_blocking(void)
{
    SCARDCONTEXT context = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);
    DWORD protocol = UNTOUCHED;

    ask("other connect shared " READER_A);
    show(SCardReconnect(card, SCARD_SHARE_EXCLUSIVE, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &protocol),
         "reconnect, to have it alone");
    show_number("protocol", protocol);
    show_status("it shares", card);
    ask("other begin");
    show_status("it holds the card", card);
    show_transmit("it holds the card", card, SCARD_PCI_T1);
    walk_promptly("it holds the card", card);
    ask("other end leave");
    walk("it holds the card no more", card);
    disconnect(card, SCARD_LEAVE_CARD);
    ask("other disconnect leave");
    release(context);
}
