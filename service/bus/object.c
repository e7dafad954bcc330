/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/object.h"

struct ScdObject {
    GDBusConnection *bus;
    char *path;
    const ScdInterface *interface;
    GVariant *properties; /* a{sv} */
    gpointer owner;
    guint registration;
};

static void
call_method(GDBusConnection *bus, const char *sender, const char *path, const char *interface_name,
            const char *method_name, GVariant *arguments, GDBusMethodInvocation *invocation,
            gpointer user_data)
{
    ScdObject *object = user_data;

    /* GDBus has checked name and arguments against the interface, and the table is complete. */
    for (const ScdMethod *method = object->interface->methods; method->name; method++) {
        if (g_str_equal(method->name, method_name)) {
            method->func(object->owner, arguments, invocation);
            return;
        }
    }
    g_assert_not_reached();
}

static GVariant *
get_property(GDBusConnection *bus, const char *sender, const char *path, const char *interface_name,
             const char *name, GError **error, gpointer user_data)
{
    ScdObject *object = user_data;
    return g_variant_lookup_value(object->properties, name, NULL);
}

static const GDBusInterfaceVTable vtable = {call_method, get_property, NULL, {NULL}};

ScdObject *
scd_object_new(GDBusConnection *bus, const char *path, const ScdInterface *interface,
               GVariant *properties, gpointer owner, GError **error)
{
    g_autoptr(ScdObject) object = g_new0(ScdObject, 1);
    object->bus = g_object_ref(bus);
    object->path = g_strdup(path);
    object->interface = interface;
    object->properties = g_variant_ref_sink(properties);
    object->owner = owner;
    object->registration = g_dbus_connection_register_object(
        bus, path, (GDBusInterfaceInfo *)interface->info, &vtable, object, NULL, error);
    return object->registration ? g_steal_pointer(&object) : NULL;
}

void
scd_object_free(ScdObject *object)
{
    if (object->registration)
        g_dbus_connection_unregister_object(object->bus, object->registration);
    g_variant_unref(object->properties);
    g_free(object->path);
    g_object_unref(object->bus);
    g_free(object);
}

const char *
scd_object_path(const ScdObject *object)
{
    return object->path;
}

const char *
scd_object_interface_name(const ScdObject *object)
{
    return object->interface->info->name;
}

GVariant *
scd_object_properties(const ScdObject *object)
{
    return object->properties;
}

static void
emit(ScdObject *object, const char *interface, const char *signal, GVariant *arguments)
{
    /* Fails only for arguments that are no tuple, or when the bus has gone. */
    g_dbus_connection_emit_signal(object->bus, NULL, object->path, interface, signal, arguments,
                                  NULL);
}

void
scd_object_set_properties(ScdObject *object, GVariant *properties)
{
    g_autoptr(GVariant) before = object->properties;
    object->properties = g_variant_ref_sink(properties);

    g_auto(GVariantBuilder) changed = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    gboolean any = FALSE;
    for (gsize i = 0; i < g_variant_n_children(properties); i++) {
        g_autoptr(GVariant) was = g_variant_get_child_value(before, i);
        g_autoptr(GVariant) is = g_variant_get_child_value(properties, i);
        if (g_variant_equal(was, is))
            continue;
        g_variant_builder_add_value(&changed, is);
        any = TRUE;
    }
    if (any)
        emit(object, "org.freedesktop.DBus.Properties", "PropertiesChanged",
             g_variant_new("(sa{sv}as)", scd_object_interface_name(object), &changed, NULL));
}

void
scd_object_emit(ScdObject *object, const char *signal, GVariant *arguments)
{
    emit(object, scd_object_interface_name(object), signal, arguments);
}
