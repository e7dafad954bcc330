/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for a reader while the main thread makes something happen, or cancels it. */

#include "wait.h"

#include "show.h"
#include "stage.h"

static void *
wait_in_thread(void *data)
{
    struct wait *wait = data;

    wait->code = wait_for_change(wait->context, wait->milliseconds, &wait->state);
    atomic_store(&wait->is_over, true);
    return NULL;
}

void
wait_start(struct wait *wait, SCARDCONTEXT context, const char *reader, DWORD current,
           DWORD milliseconds)
{
    wait->context = context;
    wait->milliseconds = milliseconds;
    wait->state = (SCARD_READERSTATE){.szReader = reader, .dwCurrentState = current};
    wait->state.dwEventState = UNTOUCHED;
    atomic_init(&wait->is_over, false);
    pthread_create(&wait->thread, NULL, wait_in_thread, wait);
}

void
wait_join(struct wait *wait)
{
    pthread_join(wait->thread, NULL);
}
