/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pending-call.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>

#include "client.h"
#include "text.h"

typedef struct {
    const CtlPendingCall *call;
    GMainLoop *loop;
    GAsyncResult *result;
    guint timer;       /* until the status is shown, else 0 */
    int signal_number; /* of what stopped it, else 0 */
} Wait;

static gboolean
stop_by(Wait *wait, int signal_number)
{
    wait->signal_number = signal_number;
    g_main_loop_quit(wait->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean
interrupted(gpointer data)
{
    return stop_by(data, SIGINT);
}

static gboolean
terminated(gpointer data)
{
    return stop_by(data, SIGTERM);
}

static void
answered(GObject *source, GAsyncResult *result, gpointer data)
{
    Wait *wait = data;

    wait->result = g_object_ref(result);
    g_main_loop_quit(wait->loop);
}

static void
show_status(const CtlPendingCall *call)
{
    g_autofree char *safe = ctl_text_escape(call->what, FALSE);
    g_autofree char *status = g_strdup_printf("%s %s", safe, _("Press Ctrl-C to stop."));

    ctl_output_set_status(call->output, status);
}

static gboolean
time_to_tell(gpointer data)
{
    Wait *wait = data;

    show_status(wait->call);
    wait->timer = 0;
    return G_SOURCE_REMOVE;
}

static void
announce(Wait *wait)
{
    const CtlPendingCall *call = wait->call;

    if (!call->output)
        return;
    if (call->quiet_ms == 0)
        show_status(call);
    else
        wait->timer = g_timeout_add(call->quiet_ms, time_to_tell, wait);
}

static void
run(Wait *wait)
{
    guint interrupt = g_unix_signal_add(SIGINT, interrupted, wait);
    guint term = g_unix_signal_add(SIGTERM, terminated, wait);

    announce(wait);
    g_main_loop_run(wait->loop);
    g_clear_handle_id(&wait->timer, g_source_remove);
    if (wait->call->output)
        ctl_output_set_status(wait->call->output, NULL);
    g_source_remove(term);
    g_source_remove(interrupt);
}

GVariant *
ctl_pending_call(const CtlPendingCall *call, GVariant *arguments, GError **error)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Wait wait = {.call = call, .loop = loop};

    g_dbus_connection_call(call->bus, CTL_BUS_NAME, call->path, call->interface, call->method,
                           arguments, G_VARIANT_TYPE(call->type), call->flags, G_MAXINT, NULL,
                           answered, &wait);
    run(&wait);
    if (wait.signal_number) {
        signal(wait.signal_number, SIG_DFL);
        raise(wait.signal_number);
    }
    g_autoptr(GAsyncResult) result = wait.result;
    return g_dbus_connection_call_finish(call->bus, result, error);
}
