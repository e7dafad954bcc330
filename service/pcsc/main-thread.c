/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/main-thread.h"

void
scd_main_thread_invoke(GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, func, data, destroy);
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
