/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/thread-calls.h"

#include "bus/reply.h"
#include "pcsc/main-thread.h"

/* The data of the thread. */
typedef struct {
    ScdThreadCalls *calls; /* the main thread's */
    const ScdThreadCallsFuncs *funcs;
    char *input;
    gpointer result;
} ThreadCallsTask;

struct ScdThreadCalls {
    const ScdThreadCallsFuncs *funcs;
    char *input;
    gpointer data;
    ScdThreadTask *task; /* NULL if none is running */
    GQueue running;      /* of GDBusMethodInvocation: the calls that the task answers */
    GQueue waiting;      /* likewise, for the next task */
    gboolean again;      /* a next task is needed */
};

ScdThreadCalls *
scd_thread_calls_new(const ScdThreadCallsFuncs *funcs, const char *input, gpointer data)
{
    ScdThreadCalls *calls = g_new0(ScdThreadCalls, 1);

    calls->funcs = funcs;
    calls->input = g_strdup(input);
    calls->data = data;
    g_queue_init(&calls->running);
    g_queue_init(&calls->waiting);
    return calls;
}

/* reply: NULL with an error. */
static void
reply_to_all(GQueue *invocations, GVariant *reply, const GError *error)
{
    for (GDBusMethodInvocation *invocation; (invocation = g_queue_pop_head(invocations));) {
        if (reply)
            scd_reply(invocation, reply);
        else
            scd_reply_error(invocation, error);
    }
}

void
scd_thread_calls_free(ScdThreadCalls *calls)
{
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_P_SHUTDOWN, "The service is shutting down");

    g_clear_pointer(&calls->task, scd_thread_task_abandon);
    reply_to_all(&calls->running, NULL, error);
    reply_to_all(&calls->waiting, NULL, error);
    g_free(calls->input);
    g_free(calls);
}

static void
run_in_thread(gpointer data)
{
    ThreadCallsTask *task = data;
    task->result = task->funcs->run(task->input);
}

static void
free_task(gpointer data)
{
    ThreadCallsTask *task = data;

    if (task->result)
        task->funcs->free_result(task->result);
    g_free(task->input);
    g_free(task);
}

static void start_task(ScdThreadCalls *calls);

static void
finish_task(gpointer data)
{
    ThreadCallsTask *task = data;
    ScdThreadCalls *calls = task->calls;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = calls->funcs->finish(task->result, calls->data, &error);

    if (reply)
        g_variant_ref_sink(reply);
    calls->task = NULL;
    reply_to_all(&calls->running, reply, error);
    if (calls->again)
        start_task(calls);
}

static void
start_task(ScdThreadCalls *calls)
{
    static const ScdThreadTaskFuncs funcs = {run_in_thread, finish_task, free_task};
    ThreadCallsTask *task = g_new0(ThreadCallsTask, 1);

    *task = (ThreadCallsTask){calls, calls->funcs, g_strdup(calls->input), NULL};
    calls->again = FALSE;
    while (!g_queue_is_empty(&calls->waiting))
        g_queue_push_tail(&calls->running, g_queue_pop_head(&calls->waiting));
    calls->task = scd_thread_task_start(calls->funcs->thread_name, &funcs, task);
    if (calls->task)
        return;
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_LIMITS_EXCEEDED, "No thread is left: try again");
    g_warning("No thread is left to read files");
    free_task(task);
    reply_to_all(&calls->running, NULL, error);
}

void
scd_thread_calls_add(ScdThreadCalls *calls, GDBusMethodInvocation *invocation)
{
    if (invocation)
        g_queue_push_tail(&calls->waiting, invocation);
    calls->again = TRUE;
    if (!calls->task)
        start_task(calls);
}
