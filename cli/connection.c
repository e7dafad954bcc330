/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection.h"

#include <glib/gi18n.h>

CtlRoute
ctl_connection_get_route(const CtlArguments *arguments, CtlOutput *output)
{
    return (CtlRoute){
        .output = arguments->json ? NULL : output,
        .end = ctl_waiting_get_end(arguments->timeout_us),
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
 * In a user namespace, the user has another number than the one that the bus sees. GLib 2.74 has
 * the flag for this, but g_dbus_connection_new_for_address() refuses it there.
 */
static GDBusConnection *
connect_to_system_bus(CtlWaiting *waiting, GError **error)
{
    const GDBusConnectionFlags flags = G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                       G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION |
                                       G_DBUS_CONNECTION_FLAGS_CROSS_NAMESPACE;
    g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, error);

    if (!address)
        return NULL;
    ctl_waiting_begin(waiting);
    g_async_initable_new_async(G_TYPE_DBUS_CONNECTION, G_PRIORITY_DEFAULT, waiting->cancellable,
                               ctl_waiting_finish, waiting, "address", address, "flags", flags,
                               NULL);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(waiting);
    g_autoptr(GObject) source = g_async_result_get_source_object(result);
    return (GDBusConnection *)g_async_initable_new_finish(G_ASYNC_INITABLE(source), result, error);
}

GDBusConnection *
ctl_connection_open(const CtlRoute *route, GError **error)
{
    g_autoptr(GError) bus_error = NULL;
    CtlWaiting waiting = ctl_connection_get_waiting(route);
    GDBusConnection *bus = connect_to_system_bus(&waiting, &bus_error);

    if (bus)
        return bus;
    ctl_waiting_explain_error(&waiting, &bus_error);
    if (bus_error->domain == CTL_ERROR)
        g_propagate_error(error, g_steal_pointer(&bus_error));
    else
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "%s: %s",
                    _("cannot connect to the system bus (is the D-Bus service running?)"),
                    bus_error->message);
    return NULL;
}

GVariant *
ctl_connection_call(const CtlRoute *route, GDBusConnection *bus, const CtlConnectionCall *call,
                    GVariant *arguments, GError **error)
{
    CtlWaiting waiting = ctl_connection_get_waiting(route);
    GError *call_error = NULL;

    ctl_waiting_begin(&waiting);
    g_dbus_connection_call(bus, call->name, call->path, call->interface, call->method, arguments,
                           G_VARIANT_TYPE(call->type), G_DBUS_CALL_FLAGS_NONE, -1,
                           waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    GVariant *reply = g_dbus_connection_call_finish(bus, result, &call_error);
    ctl_waiting_explain_error(&waiting, &call_error);
    if (call_error)
        g_propagate_error(error, call_error);
    return reply;
}
