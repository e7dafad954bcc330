/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "interrupt.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static bool
has_handler(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 &&
           ((action.sa_flags & SA_SIGINFO) ||
            (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN));
}

void
lgn_interrupt_open(LgnInterrupt *interrupt)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    bool is_empty = true;
    sigset_t signals;

    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!has_handler(numbers[i]))
            continue;
        sigaddset(&signals, numbers[i]);
        is_empty = false;
    }
    interrupt->fd = is_empty ? -1 : signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (interrupt->fd >= 0)
        pthread_sigmask(SIG_BLOCK, &signals, &interrupt->mask);
}

void
lgn_interrupt_close(LgnInterrupt *interrupt)
{
    if (interrupt->fd < 0)
        return;
    close(interrupt->fd);
    interrupt->fd = -1;
    pthread_sigmask(SIG_SETMASK, &interrupt->mask, NULL);
}
