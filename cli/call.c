/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "call.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"

#define CANCEL_STATUS_DELAY_MS 1000 /* before a terminal shows that the cancellation takes long */
#define NO_LIMIT_MS G_MAXUINT32

#define NOT_SENT "not sent"
#define SENT "sent, result unknown"

/* Of the process; 0 before a signal has cancelled a call. */
static int interrupting_signal;

/*
 * While a call is pending, the main thread blocks the signals and reads them from a file
 * descriptor. A signal that arrives after the last read therefore stays pending in the kernel until
 * they are unblocked, and no signal is lost. Other threads always block them: see
 * ctl_client_connect().
 */
typedef struct {
    const CtlCall *call;
    const char *id;
    GMainLoop *loop;
    GAsyncResult *result; /* NULL before the reply */
    guint timer;          /* shows the status, 0 when not pending */
    sigset_t outer_mask;  /* the signals that are blocked when no call is pending */
} CallState;

gboolean
ctl_call_was_sent(const GError *error)
{
    return g_str_has_suffix(error->message, SENT);
}

gboolean
ctl_call_was_not_sent(const GError *error)
{
    return g_str_has_suffix(error->message, NOT_SENT);
}

gboolean
ctl_call_is_interrupted(void)
{
    return interrupting_signal != 0;
}

void
ctl_call_set_interrupted(int number)
{
    interrupting_signal = number;
}

void
ctl_call_end_by_signal(void)
{
    if (!interrupting_signal)
        return;
    signal(interrupting_signal, SIG_DFL);
    raise(interrupting_signal);
    _exit(128 + interrupting_signal); /* the parent process had blocked the signal */
}

static void
set_status(const CtlCall *call, const char *status)
{
    if (call->output)
        ctl_output_set_status(call->output, status);
}

static void
end_at_once(const CallState *state)
{
    set_status(state->call, "");
    set_status(state->call, NULL);
    sigprocmask(SIG_SETMASK, &state->outer_mask, NULL);
    ctl_call_end_by_signal();
}

static gboolean
show_cancelling_status(gpointer data)
{
    CallState *state = data;

    set_status(state->call, _("Stopping. Press Ctrl-C again to stop at once."));
    state->timer = 0;
    return G_SOURCE_REMOVE;
}

/* Without an answer to CancelCall, the call would never end. */
static void
handle_cancel_reply(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    g_autoptr(GMainLoop) loop = data;

    if (!reply)
        g_main_loop_quit(loop);
}

static void
cancel_call(CallState *state)
{
    set_status(state->call, ""); /* erases "^C", too */
    g_clear_handle_id(&state->timer, g_source_remove);
    state->timer = g_timeout_add(CANCEL_STATUS_DELAY_MS, show_cancelling_status, state);
    g_dbus_connection_call(state->call->bus, CTL_BUS_NAME, CTL_ROOT_PATH, CTL_INTERFACE_MANAGER,
                           "CancelCall", g_variant_new("(s)", state->id), NULL,
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, NULL, handle_cancel_reply,
                           g_main_loop_ref(state->loop));
}

static gboolean
read_signal(int fd, GIOCondition condition, gpointer data)
{
    CallState *state = data;
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != sizeof info)
        return G_SOURCE_CONTINUE;
    if (interrupting_signal) {
        end_at_once(state);
    } else {
        interrupting_signal = (int)info.ssi_signo;
        cancel_call(state);
    }
    return G_SOURCE_CONTINUE;
}

static void
store_result(GObject *source, GAsyncResult *result, gpointer data)
{
    CallState *state = data;

    state->result = g_object_ref(result);
    g_main_loop_quit(state->loop);
}

static gboolean
show_status_after_delay(gpointer data)
{
    CallState *state = data;

    if (ctl_output_is_asking(state->call->output))
        return G_SOURCE_CONTINUE;
    ctl_waiting_show_status(state->call->output, state->call->status);
    state->timer = 0;
    return G_SOURCE_REMOVE;
}

static void
schedule_status(CallState *state)
{
    const CtlCall *call = state->call;

    if (!call->output)
        return;
    if (call->delay_ms == 0)
        ctl_waiting_show_status(call->output, call->status);
    else
        state->timer = g_timeout_add(call->delay_ms, show_status_after_delay, state);
}

/* Sends the call with the signals blocked, so that none can end the process from then on. */
static void
run_until_reply(CallState *state, GVariant *arguments)
{
    const CtlCall *call = state->call;
    sigset_t mask;

    ctl_waiting_get_signals(&mask);
    sigprocmask(SIG_BLOCK, &mask, &state->outer_mask);
    int fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        g_error("cannot watch for signals: %s", g_strerror(errno));
    guint signals = g_unix_fd_add(fd, G_IO_IN, read_signal, state);

    g_dbus_connection_call(call->bus, CTL_BUS_NAME, call->path, call->interface, call->method,
                           arguments, G_VARIANT_TYPE(call->type), call->flags, G_MAXINT, NULL,
                           store_result, state);
    schedule_status(state);
    g_main_loop_run(state->loop);
    g_clear_handle_id(&state->timer, g_source_remove);
    set_status(call, NULL);
    g_source_remove(signals);
    close(fd);
    sigprocmask(SIG_SETMASK, &state->outer_mask, NULL);
}

/* Returns FALSE if the time limit has expired already. */
static gboolean
get_time_left(const CtlCall *call, guint32 *left_ms)
{
    if (call->end == CTL_WAITING_NO_LIMIT || call->end == CTL_WAITING_DO_NOT_WAIT) {
        *left_ms = call->end == CTL_WAITING_NO_LIMIT ? NO_LIMIT_MS : 0;
        return TRUE;
    }
    gint64 left_us = call->end - g_get_monotonic_time();
    /* Rounded up: the service does not report the end before this program sees it. */
    *left_ms = (guint32)((MAX(left_us, 0) + 999) / 1000);
    return left_us > 0;
}

/* Takes arguments if they are floating. */
static GVariant *
add_options(GVariant *arguments, const char *id, guint32 timeout_ms)
{
    g_autoptr(GVariant) owned = g_variant_ref_sink(arguments);
    gsize n = g_variant_n_children(owned);
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GVariant) given = g_variant_get_child_value(owned, n - 1);
    GVariantDict options;

    for (gsize i = 0; i < n - 1; i++)
        g_ptr_array_add(items, g_variant_get_child_value(owned, i));
    g_variant_dict_init(&options, given);
    g_variant_dict_insert(&options, "call-id", "s", id);
    g_variant_dict_insert(&options, "timeout-ms", "u", timeout_ms);
    g_ptr_array_add(items, g_variant_ref_sink(g_variant_dict_end(&options)));
    return g_variant_new_tuple((GVariant *const *)items->pdata, n);
}

/* Fails when the call must not be sent any more. */
static gboolean
check_before_call(const CtlCall *call, guint32 *timeout_ms, GError **error)
{
    if (interrupting_signal)
        g_set_error_literal(error, SCD_ERROR, SCD_E_CANCELLED, NOT_SENT);
    else if (!get_time_left(call, timeout_ms))
        g_set_error_literal(error, SCD_ERROR, SCD_E_TIMEOUT, NOT_SENT);
    else
        return TRUE;
    return FALSE;
}

GVariant *
ctl_call_run(const CtlCall *call, GVariant *arguments, GError **error)
{
    g_autofree char *id = g_uuid_string_random();
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    CallState state = {.call = call, .id = id, .loop = loop};
    guint32 timeout_ms = 0;

    if (!check_before_call(call, &timeout_ms, error)) {
        g_variant_unref(g_variant_ref_sink(arguments));
        return NULL;
    }
    run_until_reply(&state, add_options(arguments, id, timeout_ms));
    if (!state.result)
        ctl_call_end_by_signal();
    g_autoptr(GAsyncResult) result = state.result;
    return g_dbus_connection_call_finish(call->bus, result, error);
}
