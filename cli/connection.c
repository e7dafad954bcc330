/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection.h"

#include <gio/gunixconnection.h>
#include <glib/gi18n.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper.h"

#define BUS "org.freedesktop.DBus"

CtlRoute
ctl_connection_get_route(const CtlArguments *arguments, CtlOutput *output)
{
    return (CtlRoute){
        .host = arguments->host,
        .output = arguments->json ? NULL : output,
        .end = ctl_waiting_get_end(arguments->timeout_us),
        .no_ask_password = arguments->no_ask_password,
    };
}

CtlWaiting
ctl_connection_get_waiting(const CtlRoute *route)
{
    return (CtlWaiting){
        .output = route->output,
        .status = _("Waiting for smartcardd."),
        .delay_ms = CTL_WAITING_DELAY_MS,
        .end = route->end,
    };
}

/*
 * Starts the process at the other end of the stream. Ctrl-C does not end it: the service has to
 * learn first that a call is cancelled.
 */
static GIOStream *
start_ssh(const char *host, GError **error)
{
    const char *const command[] = {"ssh", "-xT", "--", host, "systemd-stdio-bridge", NULL};
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                            _("no memory or other resource is left"));
        return NULL;
    }
    const CtlHelper helper = {
        .command = command, .stream = fds[1], .fd = -1, .ignores_interrupt = TRUE};
    GPid process = ctl_helper_start(&helper, error);
    close(fds[1]);
    g_autoptr(GSocket) socket = process ? g_socket_new_from_fd(fds[0], error) : NULL;
    if (!socket) {
        close(fds[0]);
        return NULL;
    }
    return G_IO_STREAM(g_socket_connection_factory_create_connection(socket));
}

static char *
explain_failure(const CtlRoute *route)
{
    if (!route->host)
        return g_strdup(_("cannot connect to the system bus (is the D-Bus service running?)"));
    return g_strdup_printf(_("cannot connect to the system bus of %s through ssh (is "
                             "systemd-stdio-bridge installed there?)"),
                           route->host);
}

void
ctl_connection_explain_error(const CtlRoute *route, GError **error)
{
    g_autofree char *problem = explain_failure(route);
    g_autofree char *reason = g_strdup((*error)->message);

    g_clear_error(error);
    g_set_error(error, CTL_ERROR, CTL_STATUS_NO_SERVICE, "%s: %s", problem, reason);
}

/* ssh itself, or the shell there, has printed the reason. */
static void
explain_host_error(const CtlRoute *route, GError **error)
{
    g_autofree char *problem = explain_failure(route);

    g_clear_error(error);
    g_set_error_literal(error, CTL_ERROR, CTL_STATUS_NO_SERVICE, problem);
}

/* ssh may ask for a password or about a key: the status stands before its question. */
GDBusConnection *
ctl_connection_open_host(const CtlRoute *route, GError **error)
{
    CtlWaiting waiting = ctl_connection_get_waiting(route);
    g_autofree char *status = g_strdup_printf(_("Waiting for %s."), route->host);
    GError *host_error = NULL;
    g_autoptr(GIOStream) stream = start_ssh(route->host, &host_error);
    GDBusConnection *bus = NULL;

    if (stream) {
        waiting.status = status;
        waiting.delay_ms = 0;
        ctl_waiting_begin(&waiting);
        g_dbus_connection_new(stream, NULL,
                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                              NULL, waiting.cancellable, ctl_waiting_finish, &waiting);
        g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
        bus = g_dbus_connection_new_finish(result, &host_error);
    }
    if (bus)
        return bus;
    if (!stream)
        ctl_connection_explain_error(route, &host_error);
    else if (!ctl_waiting_explain_error(&waiting, &host_error))
        explain_host_error(route, &host_error);
    g_propagate_error(error, host_error);
    return NULL;
}

guint
ctl_connection_get_service_process(const CtlRoute *route, GDBusConnection *bus)
{
    CtlWaiting waiting = ctl_connection_get_waiting(route);
    guint process = 0;

    ctl_waiting_begin(&waiting);
    g_dbus_connection_call(bus, BUS, "/org/freedesktop/DBus", BUS, "GetConnectionUnixProcessID",
                           g_variant_new("(s)", CTL_BUS_NAME), G_VARIANT_TYPE("(u)"),
                           G_DBUS_CALL_FLAGS_NONE, -1, waiting.cancellable, ctl_waiting_finish,
                           &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(bus, result, NULL);
    if (reply)
        g_variant_get(reply, "(u)", &process);
    return process;
}
