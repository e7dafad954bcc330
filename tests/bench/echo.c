/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The minimal GDBus service: takes and returns the arguments of Session.Transmit, without a card.
 * Owns a name, prints its unique one, and runs until it is killed.
 */

#include <gio/gio.h>
#include <stdio.h>

#include "measure.h"

#define NAME "org.smartcardd1.Echo"

static const char description[] =
    "<node><interface name='org.smartcardd1.Echo'><method name='Transmit'>"
    "<arg type='ay' direction='in'/><arg type='a{sv}' direction='in'/>"
    "<arg type='ay' direction='out'/></method></interface></node>";

static void
answer_call(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
            const char *method, GVariant *arguments, GDBusMethodInvocation *invocation,
            gpointer data)
{
    g_autoptr(GVariant) command = g_variant_get_child_value(arguments, 0);
    g_dbus_method_invocation_return_value(invocation, g_variant_new("(@ay)", command));
}

static void
print_unique_name(GDBusConnection *bus, const char *name, gpointer data)
{
    puts(g_dbus_connection_get_unique_name(bus));
    fflush(stdout);
}

static const GDBusInterfaceVTable vtable = {answer_call, NULL, NULL, {NULL}};

int
main(void)
{
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(description, NULL);
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

    check(bus && g_dbus_connection_register_object(bus, "/echo", node->interfaces[0], &vtable, NULL,
                                                   NULL, NULL) > 0,
          "bus");
    g_bus_own_name_on_connection(bus, NAME, G_BUS_NAME_OWNER_FLAGS_NONE, print_unique_name, NULL,
                                 NULL, NULL);
    g_main_loop_run(loop);
    return 0;
}
