/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/manager.h"

#include "bus/error.h"
#include "config.h"
#include "scd-interface-info.h"

struct ScdManager {
    ScdReaders *readers;
    ScdClients *clients;
    ScdAuthority *authority;
    ScdWaitCalls *wait_calls;
    ScdObject *object;
    char *trouble; /* NULL while pcscd can be reached */
};

typedef struct {
    ScdManager *manager;
    GDBusMethodInvocation *invocation;
} Call;

static ScdReader *
find(ScdManager *manager, const char *selector, GError **error)
{
    if (!manager->trouble)
        return scd_readers_find(manager->readers, selector, error);
    g_set_error_literal(error, SCD_ERROR, SCD_E_NO_SERVICE, manager->trouble);
    return NULL;
}

static void
find_reader(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    GError *error = NULL;
    const char *selector;
    g_variant_get(arguments, "(&s)", &selector);

    ScdReader *reader = find(owner, selector, &error);
    if (reader)
        g_dbus_method_invocation_return_value(invocation,
                                              g_variant_new("(o)", scd_reader_path(reader)));
    else
        g_dbus_method_invocation_take_error(invocation, error);
}

static void
tell_whether(ScdVerdict verdict, const GError *error, gpointer data)
{
    static const char *const words[] = {
        [SCD_VERDICT_NO] = "no",
        [SCD_VERDICT_YES] = "yes",
        [SCD_VERDICT_CHALLENGE] = "challenge",
        [SCD_VERDICT_AUTHENTICATED] = "yes",
    };

    /* Without polkit it is a no. */
    if (error && !g_error_matches(error, SCD_ERROR, SCD_NOT_AUTHORIZED))
        g_dbus_method_invocation_return_gerror(data, error);
    else
        g_dbus_method_invocation_return_value(data, g_variant_new("(s)", words[verdict]));
}

static void
can_client_connect(ScdClient *caller, const GError *gone, gpointer data)
{
    g_autofree Call *call = data;
    g_autoptr(ScdClient) client = caller;
    GError *error = NULL;
    GVariant *arguments = g_dbus_method_invocation_get_parameters(call->invocation);
    const char *path;

    if (!client) {
        g_dbus_method_invocation_return_gerror(call->invocation, gone);
        return;
    }
    g_variant_get(arguments, "(&o)", &path);
    ScdReader *reader = find(call->manager, path, &error);
    if (!reader) {
        g_dbus_method_invocation_take_error(call->invocation, error);
        return;
    }
    ScdAuthorityDetails details = scd_reader_details(reader);
    scd_authority_check(call->manager->authority, client,
                        scd_action_for_call("Manager.CanConnect", arguments), &details, FALSE, NULL,
                        tell_whether, call->invocation);
}

static void
can_connect(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdManager *manager = owner;
    Call *call = g_new(Call, 1);

    call->manager = manager;
    call->invocation = invocation;
    scd_clients_get(manager->clients, g_dbus_method_invocation_get_sender(invocation),
                    can_client_connect, call);
}

static void
wait_for_card(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdManager *manager = owner;
    scd_wait_calls_wait_for_card(manager->wait_calls, manager->readers, arguments, invocation);
}

static void
wait_for_removal(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdManager *manager = owner;
    scd_wait_calls_wait_for_removal(manager->wait_calls, manager->readers, arguments, invocation);
}

static const ScdMethod methods[] = {
    {"CanConnect", can_connect},
    {"FindReader", find_reader},
    {"WaitForCard", wait_for_card},
    {"WaitForRemoval", wait_for_removal},
    {NULL, NULL},
};

static const ScdInterface interface = {&scd_manager_interface, methods};

ScdManager *
scd_manager_new(ScdTree *tree, ScdReaders *readers, ScdClients *clients, ScdAuthority *authority,
                ScdWaitCalls *wait_calls, GError **error)
{
    g_autoptr(ScdManager) manager = g_new0(ScdManager, 1);
    manager->readers = readers;
    manager->clients = clients;
    manager->authority = authority;
    manager->wait_calls = wait_calls;
    manager->object =
        scd_object_new(scd_tree_bus(tree), SCD_ROOT_PATH, &interface, manager, NULL, error);
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
