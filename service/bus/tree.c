/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/tree.h"

#include <string.h>

#include "bus/error.h"
#include "scd-interface-info.h"

#define N_SUBTREES 3

struct ScdTree {
    GDBusConnection *bus;
    GHashTable *objects; /* path → ScdObject */
    ScdObject *root;
};

static GVariant *
new_interfaces_variant(ScdObject *object)
{
    g_autoptr(GVariant) properties = scd_object_dup_properties(object);
    g_auto(GVariantBuilder) interfaces = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sa{sv}}"));
    g_variant_builder_add(&interfaces, "{s@a{sv}}", scd_object_interface_name(object), properties);
    return g_variant_builder_end(&interfaces);
}

static void
get_managed_objects(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdTree *tree = owner;
    g_auto(GVariantBuilder) answer = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{oa{sa{sv}}}"));
    GHashTableIter iter;
    gpointer path, object;

    g_hash_table_iter_init(&iter, tree->objects);
    while (g_hash_table_iter_next(&iter, &path, &object))
        g_variant_builder_add(&answer, "{o@a{sa{sv}}}", path, new_interfaces_variant(object));
    g_dbus_method_invocation_return_value(invocation, g_variant_new("(a{oa{sa{sv}}})", &answer));
}

static const ScdMethod methods[] = {
    {"GetManagedObjects", get_managed_objects},
    {NULL, NULL},
};

static const ScdInterface root_interface = {
    &scd_org_freedesktop_dbus_object_manager_interface,
    methods,
};

ScdTree *
scd_tree_new(GDBusConnection *bus, GError **error)
{
    g_autoptr(ScdTree) tree = g_new0(ScdTree, 1);
    tree->bus = g_object_ref(bus);
    tree->objects = g_hash_table_new(g_str_hash, g_str_equal);
    tree->root = scd_object_new(bus, SCD_ROOT_PATH, &root_interface, tree, NULL, error);
    return tree->root ? g_steal_pointer(&tree) : NULL;
}

void
scd_tree_free(ScdTree *tree)
{
    g_assert(g_hash_table_size(tree->objects) == 0);
    g_clear_pointer(&tree->root, scd_object_free);
    g_hash_table_unref(tree->objects);
    g_object_unref(tree->bus);
    g_free(tree);
}

GDBusConnection *
scd_tree_bus(const ScdTree *tree)
{
    return tree->bus;
}

void
scd_tree_add(ScdTree *tree, ScdObject *object)
{
    g_hash_table_insert(tree->objects, (gpointer)scd_object_path(object), object);
    scd_object_emit(
        tree->root, "InterfacesAdded",
        g_variant_new("(o@a{sa{sv}})", scd_object_path(object), new_interfaces_variant(object)));
}

void
scd_tree_remove(ScdTree *tree, ScdObject *object)
{
    const char *interfaces[] = {scd_object_interface_name(object), NULL};

    g_hash_table_remove(tree->objects, scd_object_path(object));
    scd_object_withdraw(object);
    scd_object_emit(tree->root, "InterfacesRemoved",
                    g_variant_new("(o^as)", scd_object_path(object), interfaces));
}

struct ScdGoneObjects {
    GDBusConnection *bus;
    GError *(*explain)(const char *path, gpointer data);
    gpointer data;
    guint registrations[N_SUBTREES];
};

static const struct {
    const char *path;
    const GDBusInterfaceInfo *interface;
} subtrees[N_SUBTREES] = {
    {SCD_ROOT_PATH "/cards", &scd_card_interface},
    {SCD_ROOT_PATH "/sessions", &scd_session_interface},
    {SCD_ROOT_PATH "/readers", &scd_reader_interface},
};

static void
handle_call(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
            const char *method, GVariant *arguments, GDBusMethodInvocation *invocation,
            gpointer data)
{
    const ScdGoneObjects *gone = data;

    scd_object_wipe_arguments(arguments);
    scd_error_take_reply(invocation, gone->explain(path, gone->data));
}

/* Objects that exist are registered one by one. */
static char **
enumerate_objects(GDBusConnection *bus, const char *sender, const char *path, gpointer data)
{
    return g_new0(char *, 1);
}

static const GDBusInterfaceInfo *
get_interface(const char *path)
{
    for (guint i = 0; i < N_SUBTREES; i++)
        if (g_str_has_prefix(path, subtrees[i].path))
            return subtrees[i].interface;
    g_assert_not_reached();
}

static GDBusInterfaceInfo **
introspect_object(GDBusConnection *bus, const char *sender, const char *path, const char *node,
                  gpointer data)
{
    GDBusInterfaceInfo **interfaces = g_new0(GDBusInterfaceInfo *, 2);

    if (node)
        interfaces[0] = g_dbus_interface_info_ref((GDBusInterfaceInfo *)get_interface(path));
    return interfaces;
}

static const GDBusInterfaceVTable *
dispatch_call(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
              const char *node, gpointer *out_data, gpointer data)
{
    static const GDBusInterfaceVTable functions = {handle_call, NULL, NULL, {NULL}};

    *out_data = data;
    return &functions;
}

static const GDBusSubtreeVTable subtree_functions = {
    enumerate_objects, introspect_object, dispatch_call, {NULL}};

ScdGoneObjects *
scd_gone_objects_new(GDBusConnection *bus, GError *(*explain)(const char *path, gpointer data),
                     gpointer data, GError **error)
{
    g_autoptr(ScdGoneObjects) gone = g_new0(ScdGoneObjects, 1);

    gone->bus = g_object_ref(bus);
    gone->explain = explain;
    gone->data = data;
    for (guint i = 0; i < N_SUBTREES; i++) {
        gone->registrations[i] = g_dbus_connection_register_subtree(
            bus, subtrees[i].path, &subtree_functions,
            G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES, gone, NULL, error);
        if (!gone->registrations[i])
            return NULL;
    }
    return g_steal_pointer(&gone);
}

void
scd_gone_objects_free(ScdGoneObjects *gone)
{
    for (guint i = 0; i < N_SUBTREES; i++)
        if (gone->registrations[i])
            g_dbus_connection_unregister_subtree(gone->bus, gone->registrations[i]);
    g_object_unref(gone->bus);
    g_free(gone);
}
