/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reload.h"

#include "bus/error.h"
#include "pcsc/main-thread.h"

/* What the thread has. */
typedef struct {
    ScdReload *reload; /* the main thread's */
    char *file;
    ScdSettings *settings; /* the result */
} ReloadTask;

struct ScdReload {
    const char *file;
    void (*apply)(ScdSettings *settings, gpointer data);
    gpointer data;
    ScdThreadTask *task; /* NULL if none is running */
    GQueue running;      /* of GDBusMethodInvocation: the calls that the task answers */
    GQueue waiting;      /* likewise, for the next task */
    gboolean again;      /* a next task is needed */
};

ScdReload *
scd_reload_new(const char *file, void (*apply)(ScdSettings *settings, gpointer data), gpointer data)
{
    ScdReload *reload = g_new0(ScdReload, 1);

    reload->file = file;
    reload->apply = apply;
    reload->data = data;
    g_queue_init(&reload->running);
    g_queue_init(&reload->waiting);
    return reload;
}

/* error: NULL for success. */
static void
reply_to_all(GQueue *calls, const GError *error)
{
    for (GDBusMethodInvocation *call; (call = g_queue_pop_head(calls));) {
        if (error)
            scd_error_reply(call, error);
        else
            g_dbus_method_invocation_return_value(call, NULL);
    }
}

void
scd_reload_free(ScdReload *reload)
{
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_P_SHUTDOWN, "The service is shutting down");

    g_clear_pointer(&reload->task, scd_thread_task_abandon);
    reply_to_all(&reload->running, error);
    reply_to_all(&reload->waiting, error);
    g_free(reload);
}

static void
read_in_thread(gpointer data)
{
    ReloadTask *task = data;
    task->settings = scd_settings_read(task->file);
}

static void
free_reload_task(gpointer data)
{
    ReloadTask *task = data;

    g_free(task->file);
    g_clear_pointer(&task->settings, scd_settings_unref);
    g_free(task);
}

static void run_task(ScdReload *reload);

static void
apply_settings(gpointer data)
{
    ReloadTask *task = data;
    ScdReload *reload = task->reload;
    g_autoptr(GError) error = NULL;

    reload->task = NULL;
    scd_settings_log_warnings(task->settings);
    if (task->settings->unreadable) {
        g_set_error(&error, G_DBUS_ERROR, G_DBUS_ERROR_FAILED, "The settings stay as they are: %s",
                    task->settings->unreadable);
        g_warning("%s", error->message);
    } else {
        reload->apply(task->settings, reload->data);
        g_message("The settings were read again");
    }
    reply_to_all(&reload->running, error);
    if (reload->again)
        run_task(reload);
}

static void
run_task(ScdReload *reload)
{
    static const ScdThreadTaskFuncs funcs = {read_in_thread, apply_settings, free_reload_task};
    ReloadTask *task = g_new0(ReloadTask, 1);

    task->reload = reload;
    task->file = g_strdup(reload->file);
    reload->again = FALSE;
    while (!g_queue_is_empty(&reload->waiting))
        g_queue_push_tail(&reload->running, g_queue_pop_head(&reload->waiting));
    reload->task = scd_thread_task_start("settings", &funcs, task);
    if (reload->task)
        return;
    g_autoptr(GError) error = g_error_new_literal(
        SCD_ERROR, SCD_LIMITS_EXCEEDED, "No thread is left to read the settings: try again");
    g_warning("%s", error->message);
    free_reload_task(task);
    reply_to_all(&reload->running, error);
}

void
scd_reload_start(ScdReload *reload, GDBusMethodInvocation *invocation)
{
    if (invocation)
        g_queue_push_tail(&reload->waiting, invocation);
    reload->again = TRUE;
    if (!reload->task)
        run_task(reload);
}
