/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/tree.h"

#include "scd-interface-info.h"

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

static const ScdInterface interface = {
    &scd_org_freedesktop_dbus_object_manager_interface,
    methods,
};

ScdTree *
scd_tree_new(GDBusConnection *bus, GError **error)
{
    g_autoptr(ScdTree) tree = g_new0(ScdTree, 1);
    tree->bus = g_object_ref(bus);
    tree->objects = g_hash_table_new(g_str_hash, g_str_equal);
    tree->root = scd_object_new(bus, SCD_ROOT_PATH, &interface, tree, NULL, error);
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
