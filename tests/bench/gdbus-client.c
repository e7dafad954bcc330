/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gdbus-client.h"

#include <gio/gio.h>

#define SERVICE "org.smartcardd1"
#define ROOT "/org/smartcardd1"

struct GdbusClient {
    GDBusConnection *bus;
    char *path;
};

static GVariant *
call_method(GdbusClient *client, const char *path, const char *interface, const char *method,
            GVariant *arguments)
{
    g_autoptr(GError) error = NULL;
    GVariant *reply =
        g_dbus_connection_call_sync(client->bus, SERVICE, path, interface, method, arguments, NULL,
                                    G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, &error);

    if (!reply)
        g_error("%s: %s", method, error->message);
    return reply;
}

GdbusClient *
gdbus_client_open(const char *reader)
{
    GdbusClient *client = g_new0(GdbusClient, 1);
    g_autoptr(GError) error = NULL;
    const char *path;

    client->bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    if (!client->bus)
        g_error("bus: %s", error->message);
    g_autoptr(GVariant) found =
        call_method(client, ROOT, SERVICE ".Manager", "FindReader", g_variant_new("(s)", reader));
    g_variant_get(found, "(&o)", &path);
    g_autoptr(GVariant) connected = call_method(client, path, SERVICE ".Reader", "Connect",
                                                g_variant_new("(sasa{sv})", "shared", NULL, NULL));
    g_variant_get(connected, "(os)", &client->path, NULL);
    return client;
}

void
gdbus_client_close(GdbusClient *client)
{
    g_variant_unref(call_method(client, client->path, SERVICE ".Session", "Close",
                                g_variant_new("(sa{sv})", "leave", NULL)));
    g_object_unref(client->bus);
    g_free(client->path);
    g_free(client);
}

void
gdbus_client_transmit(GdbusClient *client, const uint8_t *command, size_t length)
{
    GVariant *bytes = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, command, length, 1);
    g_autoptr(GVariant) reply = call_method(client, client->path, SERVICE ".Session", "Transmit",
                                            g_variant_new("(@aya{sv})", bytes, NULL));
    g_autoptr(GVariant) response = g_variant_get_child_value(reply, 0);
    gsize n;

    g_variant_get_fixed_array(response, &n, 1);
    g_assert(n > 0);
}
