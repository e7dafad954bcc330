/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/main-thread.h"

#include <glib-unix.h>
#include <sys/timerfd.h>
#include <unistd.h>

static gboolean
do_nothing(gpointer data)
{
    return G_SOURCE_REMOVE;
}

void
scd_main_thread_invoke(GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, func ? func : do_nothing, data, destroy);
    g_source_attach(source, NULL);
}

struct ScdThreadTask {
    const ScdThreadTaskFuncs *funcs;
    gpointer data;
    gboolean abandoned; /* the main thread's */
};

static gboolean
finish_task(gpointer data)
{
    ScdThreadTask *task = data;

    if (!task->abandoned)
        task->funcs->done(task->data);
    return G_SOURCE_REMOVE;
}

static void
free_task(gpointer data)
{
    ScdThreadTask *task = data;

    task->funcs->free_data(task->data);
    g_free(task);
}

static gpointer
run_task(gpointer data)
{
    ScdThreadTask *task = data;

    task->funcs->run(task->data);
    scd_main_thread_invoke(finish_task, task, free_task);
    return NULL;
}

ScdThreadTask *
scd_thread_task_start(const char *name, const ScdThreadTaskFuncs *funcs, gpointer data)
{
    ScdThreadTask *task = g_new0(ScdThreadTask, 1);

    task->funcs = funcs;
    task->data = data;
    GThread *thread = g_thread_try_new(name, run_task, task, NULL);
    if (!thread) {
        g_free(task);
        return NULL;
    }
    g_thread_unref(thread);
    return task;
}

void
scd_thread_task_abandon(ScdThreadTask *task)
{
    task->abandoned = TRUE;
}

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
