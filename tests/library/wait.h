/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <winscard.h>

/* A SCardGetStatusChange in a thread of its own. Code and state are there once it is over. */
struct wait {
    pthread_t thread;
    SCARDCONTEXT context;
    DWORD milliseconds;
    SCARD_READERSTATE state;
    LONG code;
    atomic_bool is_over;
};

void wait_start(struct wait *wait, SCARDCONTEXT context, const char *reader, DWORD current,
                DWORD milliseconds);
void wait_join(struct wait *wait);
