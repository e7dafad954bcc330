/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stop-signal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <unistd.h>

static const int numbers[] = {SIGINT, SIGTERM};

static struct sigaction former[G_N_ELEMENTS(numbers)];
static int collected[2] = {-1, -1}; /* a pipe with a byte for each signal */

/* In any thread. A full pipe has more signals than are read. */
static void
collect_signal(int number)
{
    const guint8 byte = (guint8)number;
    int saved = errno;

    if (write(collected[1], &byte, 1) < 0)
        errno = saved;
}

int
ctl_stop_signal_watch(void)
{
    struct sigaction action = {.sa_handler = collect_signal, .sa_flags = SA_RESTART};

    if (collected[0] < 0 && pipe2(collected, O_CLOEXEC | O_NONBLOCK) < 0)
        g_error("cannot watch for signals: %s", g_strerror(errno));
    sigemptyset(&action.sa_mask);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        sigaction(numbers[i], NULL, &former[i]);
        if (former[i].sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    return collected[0];
}

int
ctl_stop_signal_read(void)
{
    guint8 byte;

    return read(collected[0], &byte, 1) == 1 ? byte : 0;
}

void
ctl_stop_signal_unwatch(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        sigaction(numbers[i], &former[i], NULL);
    for (int number; (number = ctl_stop_signal_read()) != 0;)
        raise(number);
}

void
ctl_stop_signal_end_process(int number)
{
    signal(number, SIG_DFL);
    raise(number);
    _exit(128 + number); /* the parent process had blocked the signal */
}
