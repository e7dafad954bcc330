/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The same objects as the service has now, exported by a stock GDBusObjectManagerServer with
 * generated skeletons. Prints its unique name, and runs until it is killed.
 */

#include <gio/gio.h>
#include <stdio.h>

#include "measure.h"
#include "stock-skeletons.h"

#define SERVICE "org.smartcardd1"
#define ROOT "/org/smartcardd1"

/* EventCount → event-count */
static char *
dup_object_property(const char *name)
{
    GString *text = g_string_new(NULL);

    for (const char *c = name; *c; c++) {
        if (g_ascii_isupper(*c) && c > name)
            g_string_append_c(text, '-');
        g_string_append_c(text, g_ascii_tolower(*c));
    }
    return g_string_free(text, FALSE);
}

static void
copy_properties(gpointer skeleton, GVariant *properties)
{
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autofree char *property = dup_object_property(name);
        const GParamSpec *spec =
            g_object_class_find_property(G_OBJECT_GET_CLASS(skeleton), property);
        g_auto(GValue) copy = G_VALUE_INIT;
        check(spec != NULL, name);
        if (spec->value_type == G_TYPE_VARIANT) {
            g_value_init(&copy, G_TYPE_VARIANT);
            g_value_set_variant(&copy, value);
        } else {
            g_dbus_gvariant_to_gvalue(value, &copy);
        }
        g_object_set_property(skeleton, property, &copy);
    }
}

static GDBusInterfaceSkeleton *
new_skeleton(const char *interface)
{
    if (g_str_equal(interface, SERVICE ".Manager"))
        return G_DBUS_INTERFACE_SKELETON(stock_manager_skeleton_new());
    if (g_str_equal(interface, SERVICE ".Reader"))
        return G_DBUS_INTERFACE_SKELETON(stock_reader_skeleton_new());
    check(g_str_equal(interface, SERVICE ".Card"), interface);
    return G_DBUS_INTERFACE_SKELETON(stock_card_skeleton_new());
}

static void
export_object(GDBusObjectManagerServer *server, const char *path, GVariant *interfaces)
{
    g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);
    GVariantIter iter;
    const char *interface;
    GVariant *properties;

    g_variant_iter_init(&iter, interfaces);
    while (g_variant_iter_loop(&iter, "{&s@a{sv}}", &interface, &properties)) {
        g_autoptr(GDBusInterfaceSkeleton) skeleton = new_skeleton(interface);
        copy_properties(skeleton, properties);
        g_dbus_object_skeleton_add_interface(object, skeleton);
    }
    g_dbus_object_manager_server_export(server, object);
}

static void
copy_objects(GDBusObjectManagerServer *server, GDBusConnection *bus)
{
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        bus, SERVICE, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
    g_autoptr(GVariantIter) iter = NULL;
    const char *path;
    GVariant *interfaces;

    check(reply != NULL, "GetManagedObjects");
    g_variant_get(reply, "(a{oa{sa{sv}}})", &iter);
    while (g_variant_iter_loop(iter, "{&o@a{sa{sv}}}", &path, &interfaces))
        export_object(server, path, interfaces);
}

int
main(void)
{
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
    g_autoptr(GDBusObjectManagerServer) server = g_dbus_object_manager_server_new(ROOT);
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

    check(bus != NULL, "bus");
    copy_objects(server, bus);
    g_dbus_object_manager_server_set_connection(server, bus);
    puts(g_dbus_connection_get_unique_name(bus));
    fflush(stdout);
    g_main_loop_run(loop);
    return 0;
}
