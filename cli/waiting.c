/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <smartcardd-glib.h>
#include <unistd.h>

#include "command.h"
#include "output.h"

/*
 * SIGINT and SIGTERM, with which a user stops a command. While they are watched, a signal handler
 * collects them. It does not matter which thread receives them: GLib has threads of its own, which
 * do not block signals. Signals that are ignored stay ignored.
 */

static const int stop_signals[] = {SIGINT, SIGTERM};

static struct sigaction former_actions[G_N_ELEMENTS(stop_signals)];
static int collected_signals[2] = {-1, -1}; /* a pipe with a byte for each signal */

/* In any thread. A full pipe has more signals than are read. */
static void
collect_signal(int number)
{
    const guint8 byte = (guint8)number;
    int saved = errno;

    if (write(collected_signals[1], &byte, 1) < 0)
        errno = saved;
}

/*
 * Returns a file descriptor that is readable when a signal was collected. It stays open for the
 * next time. Watching cannot be nested.
 */
static int
watch_stop_signals(void)
{
    struct sigaction action = {.sa_handler = collect_signal, .sa_flags = SA_RESTART};

    if (collected_signals[0] < 0 && pipe2(collected_signals, O_CLOEXEC | O_NONBLOCK) < 0)
        g_error("cannot watch for signals: %s", g_strerror(errno));
    sigemptyset(&action.sa_mask);
    for (gsize i = 0; i < G_N_ELEMENTS(stop_signals); i++) {
        sigaction(stop_signals[i], NULL, &former_actions[i]);
        if (former_actions[i].sa_handler != SIG_IGN)
            sigaction(stop_signals[i], &action, NULL);
    }
    return collected_signals[0];
}

/* Returns the next signal that was collected, or 0 if there is none. */
static int
read_stop_signal(void)
{
    guint8 byte;

    return read(collected_signals[0], &byte, 1) == 1 ? byte : 0;
}

/* The signals do what they did before, and so do those that were not read: most often, they end the
 * process. */
static void
unwatch_stop_signals(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(stop_signals); i++)
        sigaction(stop_signals[i], &former_actions[i], NULL);
    for (int number; (number = read_stop_signal()) != 0;)
        raise(number);
}

/* Ends the process by the signal, so that its parent can see what ended it. */
static _Noreturn void
end_process_by_signal(int number)
{
    signal(number, SIG_DFL);
    raise(number);
    _exit(128 + number); /* the parent process had blocked the signal */
}

/* Before a terminal shows that the cancellation takes long; less than the library waits for it. */
#define CANCEL_STATUS_DELAY_MS 500

/* The service ends a call at its time limit; if it does not, the call is cancelled later. */
#define CALL_GRACE_MS 1000

/* Of the process; 0 before a signal has cancelled a call. */
static int interrupting_signal;

/* Of the process: the time limit has cancelled a call. */
static gboolean limit_has_cancelled;

gint64
ctl_waiting_get_end(gint64 timeout_us)
{
    if (timeout_us < 0)
        return CTL_WAITING_NO_LIMIT;
    return timeout_us == 0 ? CTL_WAITING_DO_NOT_WAIT : g_get_monotonic_time() + timeout_us;
}

void
ctl_waiting_set_interrupted(int number)
{
    interrupting_signal = number;
}

void
ctl_waiting_end_by_signal(void)
{
    if (interrupting_signal)
        end_process_by_signal(interrupting_signal);
}

void
ctl_waiting_show_status(CtlOutput *output, const char *text)
{
    g_autofree char *safe = ctl_text_escape(text, FALSE);
    g_autofree char *status = g_strdup_printf("%s %s", safe, _("Press Ctrl-C to stop."));

    ctl_output_set_status(output, status);
}

void
ctl_waiting_change_status(CtlWaiting *waiting, const char *status)
{
    waiting->status = status;
    if (waiting->output)
        ctl_waiting_show_status(waiting->output, status);
}

static void
remove_status(const CtlWaiting *waiting, gboolean erase)
{
    if (!waiting->output)
        return;
    if (erase)
        ctl_output_set_status(waiting->output, ""); /* erases "^C", too */
    ctl_output_set_status(waiting->output, NULL);
}

static void
end_at_once(const CtlWaiting *waiting, int number)
{
    remove_status(waiting, TRUE);
    end_process_by_signal(number);
}

static gboolean
show_cancelling_status(gpointer data)
{
    CtlWaiting *waiting = data;

    ctl_output_set_status(waiting->output, _("Stopping. Press Ctrl-C again to stop at once."));
    waiting->timer = 0;
    return G_SOURCE_REMOVE;
}

static void
cancel_call(CtlWaiting *waiting, int number)
{
    interrupting_signal = number;
    g_clear_handle_id(&waiting->timer, g_source_remove);
    if (waiting->output) {
        ctl_output_set_status(waiting->output, ""); /* erases "^C", too */
        waiting->timer = g_timeout_add(CANCEL_STATUS_DELAY_MS, show_cancelling_status, waiting);
    }
    g_cancellable_cancel(waiting->cancellable);
}

static gboolean
read_signal(int fd, GIOCondition condition, gpointer data)
{
    CtlWaiting *waiting = data;
    int number = read_stop_signal();

    if (number == 0)
        return G_SOURCE_CONTINUE;
    if (waiting->is_call && !interrupting_signal)
        cancel_call(waiting, number);
    else
        end_at_once(waiting, number);
    return G_SOURCE_CONTINUE;
}

static gboolean
show_status(gpointer data)
{
    CtlWaiting *waiting = data;

    if (ctl_output_is_asking(waiting->output))
        return G_SOURCE_CONTINUE;
    ctl_waiting_show_status(waiting->output, waiting->status);
    waiting->timer = 0;
    return G_SOURCE_REMOVE;
}

static gboolean
handle_time_limit(gpointer data)
{
    CtlWaiting *waiting = data;

    waiting->timed_out = TRUE;
    waiting->limit = 0;
    limit_has_cancelled = limit_has_cancelled || waiting->is_call;
    g_cancellable_cancel(waiting->cancellable);
    if (waiting->is_for_fd)
        g_main_loop_quit(waiting->loop);
    return G_SOURCE_REMOVE;
}

static gboolean
has_limit(const CtlWaiting *waiting)
{
    return waiting->end != CTL_WAITING_NO_LIMIT && waiting->end != CTL_WAITING_DO_NOT_WAIT;
}

/* Rounded up: the service does not report the end before this program sees it. */
static gint
get_milliseconds_left(const CtlWaiting *waiting)
{
    return (gint)((MAX(waiting->end - g_get_monotonic_time(), 0) + 999) / 1000);
}

static void
start_timers(CtlWaiting *waiting)
{
    if (waiting->output && waiting->delay_ms == 0)
        ctl_waiting_show_status(waiting->output, waiting->status);
    else if (waiting->output)
        waiting->timer = g_timeout_add(waiting->delay_ms, show_status, waiting);
    if (has_limit(waiting))
        waiting->limit = g_timeout_add((guint)get_milliseconds_left(waiting) +
                                           (waiting->is_call ? CALL_GRACE_MS : 0),
                                       handle_time_limit, waiting);
}

void
ctl_waiting_begin(CtlWaiting *waiting)
{
    waiting->signals = g_unix_fd_add(watch_stop_signals(), G_IO_IN, read_signal, waiting);
    waiting->cancellable = g_cancellable_new();
    waiting->loop = g_main_loop_new(NULL, FALSE);
    start_timers(waiting);
}

gboolean
ctl_waiting_begin_call(CtlWaiting *waiting, GError **error)
{
    waiting->timeout_ms = SMARTCARDD_TIMEOUT_NONE;
    if (waiting->end == CTL_WAITING_DO_NOT_WAIT)
        waiting->timeout_ms = 0;
    else if (has_limit(waiting))
        waiting->timeout_ms = get_milliseconds_left(waiting);
    if (interrupting_signal) {
        g_set_error_literal(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED, "not sent");
        return FALSE;
    }
    if (has_limit(waiting) && waiting->timeout_ms == 0) {
        g_set_error_literal(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_TIMEOUT, "not sent");
        return FALSE;
    }
    waiting->is_call = TRUE;
    ctl_waiting_begin(waiting);
    return TRUE;
}

void
ctl_waiting_finish(GObject *source, GAsyncResult *result, gpointer data)
{
    CtlWaiting *waiting = data;

    waiting->result = g_object_ref(result);
    g_main_loop_quit(waiting->loop);
}

GAsyncResult *
ctl_waiting_run(CtlWaiting *waiting)
{
    if (!waiting->result)
        g_main_loop_run(waiting->loop);
    g_clear_handle_id(&waiting->timer, g_source_remove);
    g_clear_handle_id(&waiting->limit, g_source_remove);
    g_clear_handle_id(&waiting->signals, g_source_remove);
    remove_status(waiting, FALSE);
    g_clear_pointer(&waiting->loop, g_main_loop_unref);
    g_clear_object(&waiting->cancellable);
    unwatch_stop_signals();
    return g_steal_pointer(&waiting->result);
}

static gboolean
end_wait_for_fd(int fd, GIOCondition condition, gpointer data)
{
    CtlWaiting *waiting = data;

    g_main_loop_quit(waiting->loop);
    return G_SOURCE_CONTINUE;
}

gboolean
ctl_waiting_run_until_readable(CtlWaiting *waiting, int fd)
{
    GPollFD now = {fd, G_IO_IN, 0};

    if (g_poll(&now, 1, 0) > 0)
        return TRUE;
    waiting->is_for_fd = TRUE;
    ctl_waiting_begin(waiting);
    guint source = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, end_wait_for_fd, waiting);
    ctl_waiting_run(waiting);
    g_source_remove(source);
    return !waiting->timed_out;
}

gboolean
ctl_waiting_has_cancelled_at_limit(void)
{
    return limit_has_cancelled;
}

gboolean
ctl_waiting_explain_error(const CtlWaiting *waiting, GError **error)
{
    if (!*error || !waiting->timed_out)
        return FALSE;
    g_clear_error(error);
    g_set_error_literal(error, CTL_ERROR, CTL_STATUS_TIMEOUT,
                        _("the time ran out while waiting for smartcardd"));
    return TRUE;
}
