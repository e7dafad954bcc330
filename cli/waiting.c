/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "waiting.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "exit-status.h"
#include "text.h"

gint64
ctl_waiting_get_end(gint64 timeout_us)
{
    if (timeout_us < 0)
        return CTL_WAITING_NO_LIMIT;
    return timeout_us == 0 ? CTL_WAITING_DO_NOT_WAIT : g_get_monotonic_time() + timeout_us;
}

void
ctl_waiting_get_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
}

void
ctl_waiting_show_status(CtlOutput *output, const char *text)
{
    g_autofree char *safe = ctl_text_escape(text, FALSE);
    g_autofree char *status = g_strdup_printf("%s %s", safe, _("Press Ctrl-C to stop."));

    ctl_output_set_status(output, status);
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

static gboolean
end_by_signal(int fd, GIOCondition condition, gpointer data)
{
    CtlWaiting *waiting = data;
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != sizeof info)
        return G_SOURCE_CONTINUE;
    remove_status(waiting, TRUE);
    signal((int)info.ssi_signo, SIG_DFL);
    sigprocmask(SIG_SETMASK, &waiting->outer_mask, NULL);
    raise((int)info.ssi_signo);
    _exit(128 + (int)info.ssi_signo); /* the parent process had blocked the signal */
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
    g_cancellable_cancel(waiting->cancellable);
    return G_SOURCE_REMOVE;
}

static void
start_timers(CtlWaiting *waiting)
{
    if (waiting->output && waiting->delay_ms == 0)
        ctl_waiting_show_status(waiting->output, waiting->status);
    else if (waiting->output)
        waiting->timer = g_timeout_add(waiting->delay_ms, show_status, waiting);
    if (waiting->end != CTL_WAITING_NO_LIMIT && waiting->end != CTL_WAITING_DO_NOT_WAIT) {
        gint64 left_us = MAX(waiting->end - g_get_monotonic_time(), 0);
        waiting->limit = g_timeout_add((guint)((left_us + 999) / 1000), handle_time_limit, waiting);
    }
}

void
ctl_waiting_begin(CtlWaiting *waiting)
{
    sigset_t mask;

    ctl_waiting_get_signals(&mask);
    sigprocmask(SIG_BLOCK, &mask, &waiting->outer_mask);
    waiting->fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (waiting->fd < 0)
        g_error("cannot watch for signals: %s", g_strerror(errno));
    waiting->signals = g_unix_fd_add(waiting->fd, G_IO_IN, end_by_signal, waiting);
    waiting->cancellable = g_cancellable_new();
    waiting->loop = g_main_loop_new(NULL, FALSE);
    start_timers(waiting);
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
    close(waiting->fd);
    sigprocmask(SIG_SETMASK, &waiting->outer_mask, NULL);
    return g_steal_pointer(&waiting->result);
}

void
ctl_waiting_explain_error(const CtlWaiting *waiting, GError **error)
{
    if (!*error || !waiting->timed_out)
        return;
    g_clear_error(error);
    g_set_error_literal(error, CTL_ERROR, CTL_STATUS_TIMEOUT,
                        _("the time ran out while waiting for smartcardd"));
}
