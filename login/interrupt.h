/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ends a wait when the calling program gets SIGHUP, SIGINT, SIGQUIT or SIGTERM and has a handler
 * for it, as sudo has: the handler alone would not end the wait. The signals are blocked in the
 * calling thread meanwhile; the handler runs when the interrupt is closed.
 */

#include <signal.h>

typedef struct {
    int fd; /* readable when there is such a signal; -1: there is no handler */
    sigset_t mask;
} LgnInterrupt;

/* Without resources, the interrupt is one that never happens. */
void lgn_interrupt_open(LgnInterrupt *interrupt);
void lgn_interrupt_close(LgnInterrupt *interrupt);
