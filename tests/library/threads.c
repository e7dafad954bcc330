/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One context for each thread, all with the same card; and one context in two successive threads.
 */

#include "fixture.h"
#include "show.h"
#include "status-wait.h"
#include "subjects.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 5 };

struct card_user {
    pthread_t thread;
    SCARDCONTEXT context; /* 0: the thread establishes its own */
    LONG code;            /* the first error */
    unsigned rounds;      /* number of correct responses */
};

/* Counts the responses that belong to this thread's command: the card echoes the data. */
static LONG
echo(SCARDHANDLE card, uint8_t tag, unsigned *good)
{
    unsigned char command[] = {0x80, 0x10, 0, 0, 2, tag, (unsigned char)*good}, answer[4];
    DWORD length = sizeof answer;
    LONG code = SCardTransmit(card, SCARD_PCI_T1, command, sizeof command, NULL, answer, &length);

    if (code == SCARD_S_SUCCESS && length == sizeof answer && memcmp(answer, command + 5, 2) == 0)
        ++*good;
    return code;
}

static LONG
use_card_once(struct card_user *worker, SCARDCONTEXT context)
{
    SCARDHANDLE card;
    DWORD protocol;
    LONG code =
        SCardConnect(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &card, &protocol);

    if (code != SCARD_S_SUCCESS)
        return code;
    code = SCardBeginTransaction(card);
    if (code == SCARD_S_SUCCESS)
        code = echo(card, (uint8_t)(uintptr_t)worker, &worker->rounds);
    if (code == SCARD_S_SUCCESS)
        code = SCardEndTransaction(card, SCARD_LEAVE_CARD);
    SCardDisconnect(card, SCARD_LEAVE_CARD);
    return code;
}

static void *
use_card_in_thread(void *data)
{
    struct card_user *worker = data;
    SCARDCONTEXT context = worker->context;

    if (context == 0)
        worker->code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    for (unsigned i = 0; i < ROUNDS && worker->code == SCARD_S_SUCCESS; i++)
        worker->code = use_card_once(worker, context);
    if (worker->context == 0)
        SCardReleaseContext(context);
    return NULL;
}

static void
show_worker(const char *case_name, const struct card_user *worker)
{
    show(worker->code, "%s", case_name);
    show_number("rounds", worker->rounds);
}

static void
show_many(void)
{
    struct card_user workers[THREADS] = {0};

    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&workers[i].thread, NULL, use_card_in_thread, &workers[i]);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        show_worker("one of many", &workers[i]);
    }
}

static void
show_shared_context(void)
{
    struct card_user workers[2] = {{.context = new_context()}, {.context = workers[0].context}};

    for (size_t i = 0; i < 2; i++) {
        workers[i].context = workers[0].context;
        pthread_create(&workers[i].thread, NULL, use_card_in_thread, &workers[i]);
        pthread_join(workers[i].thread, NULL);
        show_worker("with the main thread's context", &workers[i]);
    }
    show(SCardReleaseContext(workers[0].context), "its release");
}

/* SCardGetStatusChange in one thread does not block other contexts. */
static void
show_beside_a_wait(void)
{
    SCARDCONTEXT context = new_context(), waiting = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    struct status_wait wait;

    status_wait_start(&wait, waiting, READER_B, SCARD_STATE_EMPTY, INFINITE);
    verify_pin(card);
    show(SCardIsValidContext(context), "beside a wait");
    show_verified(card);
    disconnect_card(card, SCARD_UNPOWER_CARD);
    request_action("insert B");
    status_wait_join(&wait);
    show(wait.code, "the wait");
    release_context(waiting);
    remove_card(context, 'B');
    release_context(context);
}

void
run_threads(void)
{
    show_many();
    show_shared_context();
    show_beside_a_wait();
}
