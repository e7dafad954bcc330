/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A context a thread, all at one card; and one context in two threads, one after the other. */

#include "show.h"
#include "stage.h"
#include "subjects.h"
#include "wait.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 5 };

struct worker {
    pthread_t thread;
    SCARDCONTEXT context; /* one to use, or none */
    LONG code;            /* the first that was no success */
    unsigned rounds;      /* that were as they should be */
};

/* The command comes back as the answer: nobody else's may. */
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
work_once(struct worker *worker, SCARDCONTEXT context)
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
work_in_thread(void *data)
{
    struct worker *worker = data;
    SCARDCONTEXT context = worker->context;

    if (context == 0)
        worker->code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    for (unsigned i = 0; i < ROUNDS && worker->code == SCARD_S_SUCCESS; i++)
        worker->code = work_once(worker, context);
    if (worker->context == 0)
        SCardReleaseContext(context);
    return NULL;
}

static void
show_worker(const char *what, const struct worker *worker)
{
    show(worker->code, "%s", what);
    show_number("rounds", worker->rounds);
}

static void
show_many(void)
{
    struct worker workers[THREADS] = {0};

    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&workers[i].thread, NULL, work_in_thread, &workers[i]);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        show_worker("one of many", &workers[i]);
    }
}

static void
show_shared_context(void)
{
    struct worker workers[2] = {{.context = new_context()}, {.context = workers[0].context}};

    for (size_t i = 0; i < 2; i++) {
        workers[i].context = workers[0].context;
        pthread_create(&workers[i].thread, NULL, work_in_thread, &workers[i]);
        pthread_join(workers[i].thread, NULL);
        show_worker("with the main thread's context", &workers[i]);
    }
    show(SCardReleaseContext(workers[0].context), "its release");
}

/* A wait in one thread holds up no other context. */
static void
show_beside_a_wait(void)
{
    SCARDCONTEXT context = new_context(), waiting = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    struct wait wait;

    wait_start(&wait, waiting, READER_B, SCARD_STATE_EMPTY, INFINITE);
    verify_pin(card);
    show(SCardIsValidContext(context), "beside a wait");
    show_verified(card);
    disconnect(card, SCARD_UNPOWER_CARD);
    ask("insert B");
    wait_join(&wait);
    show(wait.code, "the wait");
    release(waiting);
    remove_card(context, 'B');
    release(context);
}

void
run_threads(void)
{
    show_many();
    show_shared_context();
    show_beside_a_wait();
}
