/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waits for a reader in a thread, while the main thread causes a change or cancels the wait. */

#include "status-wait.h"

#include "fixture.h"
#include "show.h"

static void *
wait_in_thread(void *data)
{
    struct status_wait *wait = data;

    wait->code = wait_for_change(wait->context, wait->milliseconds, &wait->state);
    atomic_store(&wait->is_over, true);
    return NULL;
}

void
status_wait_start(struct status_wait *wait, SCARDCONTEXT context, const char *reader, DWORD current,
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
status_wait_join(struct status_wait *wait)
{
    pthread_join(wait->thread, NULL);
}
