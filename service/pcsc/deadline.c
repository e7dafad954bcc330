/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/deadline.h"

#include <glib-unix.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct ScdDeadline {
    int timer;
    guint source;
    GSourceOnceFunc passed;
    gpointer data;
};

static gboolean
report_expiry(int timer, GIOCondition condition, gpointer user_data)
{
    ScdDeadline *deadline = user_data;
    guint64 expirations;

    /* The read fails if the deadline was cleared in the meantime. */
    if (read(timer, &expirations, sizeof expirations) == sizeof expirations)
        deadline->passed(deadline->data);
    return G_SOURCE_CONTINUE;
}

ScdDeadline *
scd_deadline_new(GSourceOnceFunc passed, gpointer data)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0)
        return NULL;

    ScdDeadline *deadline = g_new0(ScdDeadline, 1);
    deadline->timer = timer;
    deadline->passed = passed;
    deadline->data = data;
    deadline->source = g_unix_fd_add(timer, G_IO_IN, report_expiry, deadline);
    return deadline;
}

void
scd_deadline_free(ScdDeadline *deadline)
{
    g_source_remove(deadline->source);
    close(deadline->timer);
    g_free(deadline);
}

void
scd_deadline_set(ScdDeadline *deadline, guint milliseconds)
{
    struct itimerspec when = {
        .it_value = {milliseconds / 1000, (milliseconds % 1000) * 1000000L},
    };
    timerfd_settime(deadline->timer, 0, &when, NULL);
}

void
scd_deadline_clear(ScdDeadline *deadline)
{
    static const struct itimerspec never;
    timerfd_settime(deadline->timer, 0, &never, NULL);
}
