/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions of two contexts in one program. */

#include "all-calls.h"
#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include <pthread.h>

/* Two contexts with one card handle each. */
struct card_pair {
    SCARDCONTEXT first_context, second_context;
    SCARDHANDLE first, second;
};

static struct card_pair
new_pair(void)
{
    struct card_pair pair = {new_context(), new_context(), 0, 0};

    pair.first = new_card(pair.first_context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    pair.second = new_card(pair.second_context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    return pair;
}

static void
release_pair(const struct card_pair *pair)
{
    disconnect_card(pair->first, SCARD_LEAVE_CARD);
    disconnect_card(pair->second, SCARD_UNPOWER_CARD);
    release_context(pair->first_context);
    release_context(pair->second_context);
}

static void
show_nested(void)
{
    struct card_pair pair = new_pair();

    for (int depth = 1; depth <= 3; depth++)
        show(SCardBeginTransaction(pair.first), "begin, depth %d", depth);
    for (int depth = 3; depth >= 1; depth--) {
        show(SCardEndTransaction(pair.first, SCARD_LEAVE_CARD), "end, depth %d", depth);
        show(SCardControl(pair.second, KNOWN_CODE, NULL, 0, NULL, 0, NULL),
             "another one's control");
    }
    show(SCardEndTransaction(pair.first, SCARD_LEAVE_CARD), "end, depth 0");
    release_pair(&pair);
}

static void
show_end_of(DWORD disposition)
{
    struct card_pair pair = new_pair();

    verify_pin(pair.first);
    require_success(SCardBeginTransaction(pair.first), "begin");
    show(SCardEndTransaction(pair.first, disposition), "end, %lu", (unsigned long)disposition);
    show(SCardEndTransaction(pair.first, SCARD_LEAVE_CARD), "end after that");
    show_status("ended", pair.first);
    show_status("another one", pair.second);
    show(SCardBeginTransaction(pair.second), "another one begins");
    SCardEndTransaction(pair.second, SCARD_LEAVE_CARD);
    DWORD protocol = UNTOUCHED;
    show(SCardReconnect(pair.second, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD,
                        &protocol),
         "another one reconnects");
    show_number("protocol", protocol);
    show_verified(pair.second);
    release_pair(&pair);
}

static void
show_end_without_begin(DWORD disposition)
{
    struct card_pair pair = new_pair();

    verify_pin(pair.first);
    show(SCardEndTransaction(pair.first, disposition), "end without begin, %lu",
         (unsigned long)disposition);
    show_status("then", pair.first);
    show_status("another one then", pair.second);
    show_verified(pair.second);
    release_pair(&pair);
}

static void
show_held(void)
{
    struct card_pair pair = new_pair();

    require_success(SCardBeginTransaction(pair.first), "begin");
    show_nonblocking_calls("while another one holds the card", pair.second);
    show(SCardDisconnect(pair.second, SCARD_LEAVE_CARD), "disconnect while it is held");
    pair.second = new_card(pair.first_context, READER_B, SCARD_SHARE_DIRECT, 0);
    show_all_calls("another reader meanwhile", pair.second);
    show(SCardDisconnect(pair.first, SCARD_LEAVE_CARD), "disconnect in a transaction");
    disconnect_card(pair.second, SCARD_LEAVE_CARD);
    pair.first = new_card(pair.first_context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    pair.second = new_card(pair.second_context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    show_all_calls("after a transaction that was not ended", pair.second);
    release_pair(&pair);
}

static void
show_disconnected_in_transaction(DWORD disposition)
{
    struct card_pair pair = new_pair();

    verify_pin(pair.second);
    require_success(SCardBeginTransaction(pair.first), "begin");
    show(SCardDisconnect(pair.first, disposition), "disconnect in a transaction, %lu",
         (unsigned long)disposition);
    show_status("who is left", pair.second);
    DWORD protocol;
    SCardReconnect(pair.second, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, SCARD_LEAVE_CARD, &protocol);
    show(SCardBeginTransaction(pair.second), "who is left begins");
    show_verified(pair.second);
    SCardEndTransaction(pair.second, SCARD_LEAVE_CARD);
    pair.first = new_card(pair.first_context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    release_pair(&pair);
}

/* A call that blocks until the main thread ends its transaction; returns the same if called later.
 */
struct blocked_call {
    pthread_t thread;
    SCARDHANDLE card;
    SCARDCONTEXT context;
    LONG code;
};

static void *
begin_in_thread(void *data)
{
    struct blocked_call *waiting = data;

    waiting->code = SCardBeginTransaction(waiting->card);
    return NULL;
}

static void *
transmit_in_thread(void *data)
{
    struct blocked_call *waiting = data;
    unsigned char answer[2];

    waiting->code = transmit(waiting->card, select_command, sizeof select_command, answer);
    return NULL;
}

static void *
status_in_thread(void *data)
{
    struct blocked_call *waiting = data;

    waiting->code = SCardStatus(waiting->card, NULL, NULL, NULL, NULL, NULL, NULL);
    return NULL;
}

static void *
reset_in_thread(void *data)
{
    struct blocked_call *waiting = data;

    waiting->code = SCardDisconnect(waiting->card, SCARD_RESET_CARD);
    return NULL;
}

static void *
connect_in_thread(void *data)
{
    struct blocked_call *waiting = data;
    DWORD protocol;

    waiting->code = SCardConnect(waiting->context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS,
                                 &waiting->card, &protocol);
    return NULL;
}

static void
show_waiting(const char *case_name, void *(*call)(void *), DWORD disposition)
{
    struct card_pair pair = new_pair();
    struct blocked_call waiting = {.card = pair.second, .context = pair.second_context};
    unsigned char answer[2];

    require_success(SCardBeginTransaction(pair.first), "begin");
    pthread_create(&waiting.thread, NULL, call, &waiting);
    require_success(transmit(pair.first, select_command, sizeof select_command, answer),
                    "transmit");
    show(SCardEndTransaction(pair.first, disposition), "end with one that waits, %lu",
         (unsigned long)disposition);
    pthread_join(waiting.thread, NULL);
    show(waiting.code, "%s that waited", case_name);
    SCardReleaseContext(pair.second_context);
    SCardReleaseContext(pair.first_context);
}

void
run_transactions(void)
{
    show_nested();
    for (DWORD disposition = 0; disposition <= SCARD_EJECT_CARD + 1; disposition++) {
        show_end_of(disposition);
        show_end_without_begin(disposition);
    }
    show_held();
    for (DWORD disposition = 0; disposition <= SCARD_UNPOWER_CARD; disposition++)
        show_disconnected_in_transaction(disposition);
    show_waiting("begin", begin_in_thread, SCARD_LEAVE_CARD);
    show_waiting("transmit", transmit_in_thread, SCARD_LEAVE_CARD);
    show_waiting("status", status_in_thread, SCARD_LEAVE_CARD);
    show_waiting("disconnect", reset_in_thread, SCARD_LEAVE_CARD);
    show_waiting("connect", connect_in_thread, SCARD_LEAVE_CARD);
}
