/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/manager.h"

#include "bus/error.h"
#include "config.h"
#include "scd-interface-info.h"

struct ScdManager {
    ScdReaders *readers;
    ScdObject *object;
    char *trouble; /* NULL while pcscd can be reached */
};

static void
find_reader(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdManager *manager = owner;
    GError *error = NULL;
    const char *selector;
    g_variant_get(arguments, "(&s)", &selector);

    if (manager->trouble) {
        g_dbus_method_invocation_return_error_literal(invocation, SCD_ERROR, SCD_E_NO_SERVICE,
                                                      manager->trouble);
        return;
    }
    ScdReader *reader = scd_readers_find(manager->readers, selector, &error);
    if (!reader) {
        g_dbus_method_invocation_take_error(invocation, error);
        return;
    }
    g_dbus_method_invocation_return_value(invocation,
                                          g_variant_new("(o)", scd_reader_path(reader)));
}

static const ScdMethod methods[] = {
    {"FindReader", find_reader},
    {NULL, NULL},
};

static const ScdInterface interface = {&scd_manager_interface, methods};

ScdManager *
scd_manager_new(ScdTree *tree, ScdReaders *readers, GError **error)
{
    g_autoptr(ScdManager) manager = g_new0(ScdManager, 1);
    manager->readers = readers;
    manager->object = scd_object_new(scd_tree_bus(tree), SCD_ROOT_PATH, &interface, manager, error);
    if (!manager->object)
        return NULL;
    scd_object_set(manager->object, "Version", g_variant_new_string(PROJECT_VERSION));
    scd_manager_set_trouble(manager, "pcscd has not answered yet");
    return g_steal_pointer(&manager);
}

void
scd_manager_free(ScdManager *manager)
{
    g_clear_pointer(&manager->object, scd_object_free);
    g_free(manager->trouble);
    g_free(manager);
}

void
scd_manager_set_trouble(ScdManager *manager, const char *trouble)
{
    g_free(manager->trouble);
    manager->trouble = g_strdup(trouble);
    scd_object_set(manager->object, "Available", g_variant_new_boolean(!trouble));
    scd_object_set(manager->object, "UnavailableReason",
                   g_variant_new_string(trouble ? trouble : ""));
    scd_object_announce(manager->object);
}
