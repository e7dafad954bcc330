/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/gone-objects.h"

#include <string.h>

#include "bus/error.h"
#include "scd-interface-info.h"

#define N_SUBTREES 3

struct ScdGoneObjects {
    GDBusConnection *bus;
    ScdSessions *sessions;
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

static GError *
new_error(const ScdGoneObjects *gone, const char *path)
{
    if (scd_card_was_used(path))
        return g_error_new(SCD_ERROR, SCD_W_REMOVED_CARD,
                           "The card %s was removed: use the present object of the card", path);
    if (scd_sessions_had(gone->sessions, path))
        return g_error_new(SCD_ERROR, SCD_E_INVALID_HANDLE,
                           "The session %s is closed: connect again", path);
    return g_error_new_literal(SCD_ERROR, SCD_UNKNOWN_OBJECT, "There is no such object");
}

static void
handle_call(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
            const char *method, GVariant *arguments, GDBusMethodInvocation *invocation,
            gpointer data)
{
    scd_object_wipe_arguments(arguments);
    scd_error_take_reply(invocation, new_error(data, path));
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
scd_gone_objects_new(GDBusConnection *bus, ScdSessions *sessions, GError **error)
{
    g_autoptr(ScdGoneObjects) gone = g_new0(ScdGoneObjects, 1);

    gone->bus = g_object_ref(bus);
    gone->sessions = sessions;
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
