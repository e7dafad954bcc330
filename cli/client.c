/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>

#include "base/error.h"
#include "bus/error.h"
#include "text.h"

GDBusConnection *
ctl_client_connect(GError **error)
{
    scd_error_register();
    GDBusConnection *bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, error);

    if (bus)
        g_dbus_connection_set_exit_on_close(bus, FALSE);
    else
        g_prefix_error(
            error, "%s: ", _("cannot connect to the system bus (is the D-Bus service running?)"));
    return bus;
}

gboolean
ctl_client_is_service_gone(const GError *error)
{
    return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN);
}

/* Returns the explanation of an error that is not one of the service. */
static const char *
get_explanation(const GError *error)
{
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
        g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
        return _("smartcardd is not running and cannot be started (is it installed?)");
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
        return _("the configuration of the system bus denies this user access to smartcardd");
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD))
        return _("the running smartcardd is too old for this command (restart it after an update)");
    return _("cannot reach smartcardd (see 'systemctl status smartcardd')");
}

void
ctl_client_explain_error(GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    g_dbus_error_strip_remote_error(error);
    if (name && g_str_has_prefix(name, SCD_ERROR_PREFIX))
        return;

    g_autofree char *detail = error->message;
    error->message = g_strdup_printf("%s: %s", get_explanation(error), detail);
}

/* The caller passes the error to ctl_client_explain_error(). */
static GVariant *
call_without_explaining(GDBusConnection *bus, const char *interface, const char *method,
                        GVariant *arguments, const char *type, GError **error)
{
    return g_dbus_connection_call_sync(bus, CTL_BUS_NAME, CTL_ROOT_PATH, interface, method,
                                       arguments, G_VARIANT_TYPE(type), G_DBUS_CALL_FLAGS_NONE, -1,
                                       NULL, error);
}

static GVariant *
call_service(GDBusConnection *bus, const char *interface, const char *method, GVariant *arguments,
             const char *type, GError **error)
{
    GError *call_error = NULL;
    GVariant *reply = call_without_explaining(bus, interface, method, arguments, type, &call_error);

    if (reply)
        return reply;
    ctl_client_explain_error(call_error);
    g_propagate_error(error, call_error);
    return NULL;
}

GVariant *
ctl_client_get_manager(GDBusConnection *bus, GError **error)
{
    g_autoptr(GVariant) reply =
        call_service(bus, DBUS_INTERFACE_PROPERTIES, "GetAll",
                     g_variant_new("(s)", CTL_INTERFACE_MANAGER), "(a{sv})", error);

    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

CtlObjectCache *
ctl_client_load(GDBusConnection *bus, GError **error)
{
    g_autoptr(GVariant) manager = ctl_client_get_manager(bus, error);

    if (!manager)
        return NULL;
    if (!ctl_property_flag(manager, "Available")) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
                    _("smartcardd cannot reach pcscd: %s"),
                    ctl_property_text(manager, "UnavailableReason"));
        return NULL;
    }

    g_autoptr(GVariant) tree = call_service(bus, DBUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects",
                                            NULL, "(a{oa{sa{sv}}})", error);
    if (!tree)
        return NULL;
    g_autoptr(GVariant) objects = g_variant_get_child_value(tree, 0);
    CtlObjectCache *cache = ctl_object_cache_new();
    ctl_object_cache_fill(cache, objects);
    return cache;
}

char *
ctl_client_find_reader_path(GDBusConnection *bus, const char *selector, GError **error)
{
    GError *call_error = NULL;
    char *path = NULL;
    g_autoptr(GVariant) reply =
        call_without_explaining(bus, CTL_INTERFACE_MANAGER, "FindReader",
                                g_variant_new("(s)", selector), "(o)", &call_error);
    if (reply) {
        g_variant_get(reply, "(o)", &path);
        return path;
    }

    ctl_client_explain_error(call_error);
    if (g_error_matches(call_error, SCD_ERROR, SCD_E_UNKNOWN_READER)) {
        /* A frequent error: translated, unlike the service's message. */
        g_free(call_error->message);
        call_error->message = g_strdup_printf(
            _("there is no reader '%s' (run 'smartcardctl list' to see all readers)"), selector);
    }
    g_propagate_error(error, call_error);
    return NULL;
}

/* Fails when there is no reader, or more than one. */
static gboolean
get_only_reader(CtlObjectCache *cache, CtlReaderView *reader, GError **error)
{
    g_autoptr(GArray) readers = ctl_object_cache_readers(cache);

    if (readers->len == 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("no reader is connected"));
    } else if (readers->len > 1) {
        g_set_error(
            error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
            _("there are %u readers; name one of them (run 'smartcardctl list' to see them)"),
            readers->len);
    } else {
        *reader = g_array_index(readers, CtlReaderView, 0);
        return TRUE;
    }
    return FALSE;
}

gboolean
ctl_client_get_reader(GDBusConnection *bus, CtlObjectCache *cache, const char *selector,
                      CtlReaderView *reader, GError **error)
{
    if (!selector)
        return get_only_reader(cache, reader, error);
    g_autofree char *path = ctl_client_find_reader_path(bus, selector, error);
    if (!path)
        return FALSE;
    if (ctl_object_cache_get_reader(cache, path, reader))
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                _("reader '%s' was connected only just now; try again"), selector);
    return FALSE;
}

typedef struct {
    const CtlLongCall *call;
    GMainLoop *loop;
    GAsyncResult *result;
    guint timer;       /* shows the status, 0 when not pending */
    int signal_number; /* the signal that interrupted the call, else 0 */
} LongCallState;

static gboolean
stop_with_signal(LongCallState *state, int signal_number)
{
    state->signal_number = signal_number;
    g_main_loop_quit(state->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean
handle_sigint(gpointer data)
{
    return stop_with_signal(data, SIGINT);
}

static gboolean
handle_sigterm(gpointer data)
{
    return stop_with_signal(data, SIGTERM);
}

static void
store_result(GObject *source, GAsyncResult *result, gpointer data)
{
    LongCallState *state = data;

    state->result = g_object_ref(result);
    g_main_loop_quit(state->loop);
}

static void
show_waiting_status(const CtlLongCall *call)
{
    g_autofree char *safe = ctl_text_escape(call->status, FALSE);
    g_autofree char *status = g_strdup_printf("%s %s", safe, _("Press Ctrl-C to stop."));

    ctl_output_set_status(call->output, status);
}

static gboolean
show_status_after_delay(gpointer data)
{
    LongCallState *state = data;

    show_waiting_status(state->call);
    state->timer = 0;
    return G_SOURCE_REMOVE;
}

static void
schedule_status(LongCallState *state)
{
    const CtlLongCall *call = state->call;

    if (!call->output)
        return;
    if (call->delay_ms == 0)
        show_waiting_status(call);
    else
        state->timer = g_timeout_add(call->delay_ms, show_status_after_delay, state);
}

static void
run_until_reply(LongCallState *state)
{
    guint interrupt = g_unix_signal_add(SIGINT, handle_sigint, state);
    guint term = g_unix_signal_add(SIGTERM, handle_sigterm, state);

    schedule_status(state);
    g_main_loop_run(state->loop);
    g_clear_handle_id(&state->timer, g_source_remove);
    if (state->call->output)
        ctl_output_set_status(state->call->output, NULL);
    g_source_remove(term);
    g_source_remove(interrupt);
}

GVariant *
ctl_client_run_long_call(const CtlLongCall *call, GVariant *arguments, GError **error)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    LongCallState state = {.call = call, .loop = loop};

    g_dbus_connection_call(call->bus, CTL_BUS_NAME, call->path, call->interface, call->method,
                           arguments, G_VARIANT_TYPE(call->type), call->flags, G_MAXINT, NULL,
                           store_result, &state);
    run_until_reply(&state);
    if (state.signal_number) {
        signal(state.signal_number, SIG_DFL);
        raise(state.signal_number);
    }
    g_autoptr(GAsyncResult) result = state.result;
    return g_dbus_connection_call_finish(call->bus, result, error);
}
