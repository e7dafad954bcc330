/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/manager.h"

#include <unistd.h>

#include "bus/reply.h"
#include "config.h"
#include "frame-format.h"
#include "scd-interface-info.h"

struct ScdManager {
    ScdManagerParts parts;
    ScdObject *object;
    char *trouble; /* why pcscd is not available; NULL while it is */
};

typedef struct {
    ScdManager *manager;
    GDBusMethodInvocation *invocation;
} CallerQuery;

static void
look_up_caller(ScdManager *manager, GDBusMethodInvocation *invocation, ScdClientFunc func)
{
    CallerQuery *query = g_new(CallerQuery, 1);

    *query = (CallerQuery){manager, invocation};
    scd_clients_get(manager->parts.clients, g_dbus_method_invocation_get_sender(invocation), func,
                    query);
}

static ScdReader *
find_if_available(ScdManager *manager, const char *selector, GError **error)
{
    if (!manager->trouble)
        return scd_readers_find(manager->parts.readers, selector, error);
    g_set_error_literal(error, SCD_ERROR, SCD_E_NO_SERVICE, manager->trouble);
    return NULL;
}

static void
find_reader(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    GError *error = NULL;
    const char *selector;
    g_variant_get(arguments, "(&s)", &selector);

    ScdReader *reader = find_if_available(owner, selector, &error);
    if (reader)
        scd_reply(invocation, g_variant_new("(o)", scd_reader_path(reader)));
    else
        scd_reply_take_error(invocation, error);
}

static void
reply_with_verdict(ScdVerdict verdict, const GError *error, gpointer data)
{
    static const char *const words[] = {
        [SCD_VERDICT_NO] = "no",
        [SCD_VERDICT_YES] = "yes",
        [SCD_VERDICT_CHALLENGE] = "challenge",
        [SCD_VERDICT_AUTHENTICATED] = "yes",
    };

    /* SCD_NOT_AUTHORIZED means that polkit is not available: the verdict is then "no". */
    if (error && !g_error_matches(error, SCD_ERROR, SCD_NOT_AUTHORIZED))
        scd_reply_error(data, error);
    else
        scd_reply(data, g_variant_new("(s)", words[verdict]));
}

static void
check_caller(ScdClient *caller, const GError *gone, gpointer data)
{
    g_autofree CallerQuery *query = data;
    g_autoptr(ScdClient) client = caller;
    GError *error = NULL;
    GVariant *arguments = g_dbus_method_invocation_get_parameters(query->invocation);
    const char *path;

    if (!client) {
        scd_reply_error(query->invocation, gone);
        return;
    }
    g_variant_get(arguments, "(&o)", &path);
    ScdReader *reader = find_if_available(query->manager, path, &error);
    if (!reader) {
        scd_reply_take_error(query->invocation, error);
        return;
    }
    ScdAuthorityDetails details = scd_reader_details(reader);
    scd_authority_check(scd_authorization_authority(query->manager->parts.authorization), client,
                        scd_action_id(scd_authorization_action(query->invocation, NULL)), &details,
                        SCD_AUTHORITY_NONE, NULL, reply_with_verdict, query->invocation);
}

static void
can_connect(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    look_up_caller(owner, invocation, check_caller);
}

static void
wait_for_card(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdManager *manager = owner;
    scd_wait_calls_wait_for_card(manager->parts.wait_calls, arguments, invocation);
}

static void
wait_for_removal(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdManager *manager = owner;
    scd_wait_calls_wait_for_removal(manager->parts.wait_calls, arguments, invocation);
}

static void
cancel_call(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdManager *manager = owner;
    GError *error = NULL;
    const char *call_id;

    g_variant_get(arguments, "(&s)", &call_id);
    if (!scd_call_id_check(call_id, &error)) {
        scd_reply_take_error(invocation, error);
        return;
    }
    scd_call_registry_cancel(manager->parts.registry,
                             g_dbus_method_invocation_get_sender(invocation), call_id);
    scd_reply(invocation, NULL);
}

static void
reply_with_sessions(ScdClient *caller, const GError *gone, gpointer data)
{
    g_autofree CallerQuery *query = data;
    g_autoptr(ScdClient) client = caller;

    if (client)
        scd_reply(query->invocation,
                  g_variant_new("(@aa{sv})", scd_sessions_list(query->manager->parts.sessions,
                                                               scd_client_uid(client))));
    else
        scd_reply_error(query->invocation, gone);
}

static void
close_session_for(ScdClient *caller, const GError *gone, gpointer data)
{
    g_autofree CallerQuery *query = data;
    g_autoptr(ScdClient) client = caller;
    g_autoptr(GError) error = NULL;
    const char *path;

    g_variant_get(g_dbus_method_invocation_get_parameters(query->invocation), "(&o)", &path);
    if (!client)
        scd_reply_error(query->invocation, gone);
    else if (scd_sessions_close(query->manager->parts.sessions, path, scd_client_uid(client),
                                &error))
        scd_reply(query->invocation, NULL);
    else
        scd_reply_error(query->invocation, error);
}

static void
list_sessions(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    look_up_caller(owner, invocation, reply_with_sessions);
}

static void
close_session(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    look_up_caller(owner, invocation, close_session_for);
}

/* The service's own user calls it for systemctl reload, in the sandbox of the unit. */
static void
reload_for(ScdClient *caller, const GError *gone, gpointer data)
{
    g_autofree CallerQuery *query = data;
    g_autoptr(ScdClient) client = caller;
    g_autoptr(GError) error = NULL;

    if (client && (scd_client_uid(client) == 0 || scd_client_uid(client) == geteuid())) {
        scd_thread_calls_add(query->manager->parts.reload, query->invocation);
        return;
    }
    if (client)
        g_set_error_literal(&error, SCD_ERROR, SCD_NOT_AUTHORIZED,
                            "Only root may reload the settings");
    scd_reply_error(query->invocation, client ? error : gone);
}

static void
reload(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    look_up_caller(owner, invocation, reload_for);
}

static void
list_unserved_devices(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdManager *manager = owner;
    scd_unserved_list(manager->parts.unserved, invocation);
}

static const ScdMethod methods[] = {
    {"CancelCall", cancel_call},
    {"CanConnect", can_connect},
    {"CloseSession", close_session},
    {"FindReader", find_reader},
    {"ListSessions", list_sessions},
    {"ListUnservedDevices", list_unserved_devices},
    {"Reload", reload},
    {"WaitForCard", wait_for_card},
    {"WaitForRemoval", wait_for_removal},
    {NULL, NULL},
};

static const ScdInterface interface = {&scd_manager_interface, methods};

static const char *const features[] = {"channel",    "call-lifetime", "card-use",
                                       "find-cause", "pin-entry",     NULL};

static void
set_reader_changes(ScdManager *manager)
{
    scd_object_set(manager->object, "ReaderChanges",
                   g_variant_new_uint32(scd_readers_changes(manager->parts.readers)));
}

ScdManager *
scd_manager_new(const ScdManagerParts *parts, GError **error)
{
    g_autoptr(ScdManager) manager = g_new0(ScdManager, 1);

    manager->parts = *parts;
    manager->object =
        scd_object_new(scd_tree_bus(parts->tree), SCD_ROOT_PATH, &interface, manager, NULL, error);
    if (!manager->object)
        return NULL;
    scd_object_set(manager->object, "Version", g_variant_new_string(PROJECT_VERSION));
    scd_object_set(manager->object, "Features", g_variant_new_strv(features, -1));
    scd_object_set(manager->object, "ChannelVersion", g_variant_new_uint32(SCD_FRAME_VERSION));
    set_reader_changes(manager);
    scd_manager_set_trouble(manager, SCD_MANAGER_FIRST_TROUBLE);
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

void
scd_manager_update_reader_changes(ScdManager *manager)
{
    set_reader_changes(manager);
    scd_object_announce(manager->object);
}
