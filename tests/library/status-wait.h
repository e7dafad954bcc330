/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <winscard.h>

/* SCardGetStatusChange in a thread of its own. code and state are valid once is_over is true. */
struct status_wait {
    pthread_t thread;
    SCARDCONTEXT context;
    DWORD milliseconds;
    SCARD_READERSTATE state;
    LONG code;
    atomic_bool is_over;
};

void status_wait_start(struct status_wait *wait, SCARDCONTEXT context, const char *reader,
                       DWORD current, DWORD milliseconds);
void status_wait_join(struct status_wait *wait);
