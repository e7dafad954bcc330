/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/authorization.h"

#include <string.h>

#include "base/error.h"
#include "base/feature.h"
#include "bus/job-call.h"

#define PREFIX "org.smartcardd1."

static gboolean
is_exclusive(GVariant *arguments)
{
    const char *share_mode;
    g_variant_get_child(arguments, 0, "&s", &share_mode);
    return g_str_equal(share_mode, "exclusive");
}

static gboolean
is_driver_command(GVariant *arguments)
{
    guint32 code;
    g_variant_get_child(arguments, 0, "u", &code);
    return scd_control_code_is_driver_command(code);
}

typedef struct {
    const char *member;
    ScdAction usual;
    ScdAction special;
    gboolean (*is_special)(GVariant *arguments); /* NULL: usual for all arguments */
} MemberAction;

static const MemberAction member_actions[] = {
    {"Manager.CanConnect", SCD_ACTION_CONNECT},
    {"Manager.WaitForCard", SCD_ACTION_NONE},
    {"Manager.WaitForRemoval", SCD_ACTION_NONE},
    {"Reader.Connect", SCD_ACTION_CONNECT, SCD_ACTION_EXCLUSIVE, is_exclusive},
    {"Reader.Control", SCD_ACTION_CONNECT, SCD_ACTION_CONTROL, is_driver_command},
    {"Reader.GetAttribute", SCD_ACTION_CONNECT},
    {"Reader.Refresh", SCD_ACTION_NONE},
    {"Reader.SetAlias", SCD_ACTION_MANAGE},
    {"Card.Connect", SCD_ACTION_CONNECT, SCD_ACTION_EXCLUSIVE, is_exclusive},
    {"Card.Transmit", SCD_ACTION_CONNECT},
    {"Card.TransmitMany", SCD_ACTION_CONNECT},
    {"Card.TransmitHex", SCD_ACTION_CONNECT},
    {"Card.TransmitManyHex", SCD_ACTION_CONNECT},
    {"Session.Reconnect", SCD_ACTION_NONE, SCD_ACTION_EXCLUSIVE, is_exclusive},
    {"Session.Control", SCD_ACTION_NONE, SCD_ACTION_CONTROL, is_driver_command},
    {"Session.SetAttribute", SCD_ACTION_CONTROL},
};

static const struct {
    const char *id;
    const char *verb; /* for error messages: "… reader R" */
} actions[] = {
    [SCD_ACTION_NONE] = {NULL, NULL},
    [SCD_ACTION_CONNECT] = {PREFIX "connect", "use"},
    [SCD_ACTION_EXCLUSIVE] = {PREFIX "exclusive", "have sole use of"},
    [SCD_ACTION_CONTROL] = {PREFIX "control", "send driver commands to"},
    [SCD_ACTION_MANAGE] = {PREFIX "manage", "set the alias of"},
};

const char *
scd_action_id(ScdAction action)
{
    return actions[action].id;
}

ScdAction
scd_action_for_call(const char *member, GVariant *arguments)
{
    for (gsize i = 0; i < G_N_ELEMENTS(member_actions); i++) {
        const MemberAction *row = &member_actions[i];
        if (g_str_equal(row->member, member))
            return row->is_special && row->is_special(arguments) ? row->special : row->usual;
    }
    g_assert_not_reached();
}

GError *
scd_action_new_refusal(ScdAction action, ScdVerdict verdict, const char *reader)
{
    g_assert(action != SCD_ACTION_NONE &&
             (verdict == SCD_VERDICT_NO || verdict == SCD_VERDICT_CHALLENGE));
    if (verdict == SCD_VERDICT_CHALLENGE)
        return g_error_new(SCD_ERROR, SCD_NOT_AUTHORIZED,
                           "To %s reader '%s', the user has to authenticate (polkit action %s): "
                           "allow interaction in the call, with an authentication agent running",
                           actions[action].verb, reader, actions[action].id);
    return g_error_new(SCD_ERROR, SCD_NOT_AUTHORIZED,
                       "This program may not %s reader '%s' (polkit action %s): run it in an "
                       "active local session, or ask the administrator for a polkit rule",
                       actions[action].verb, reader, actions[action].id);
}

struct ScdAuthorization {
    ScdClients *clients;
    ScdAuthority *authority;
    ScdAudit *audit;
    GPtrArray *grants; /* of ScdGrants that have not ended */
    guint rules_version;
};

struct ScdGrants {
    grefcount references; /* one for the owner, one for each pending check */
    gboolean ended;
    ScdAuthorization *authorization; /* not used after the end */
    ScdClient *client;
    ScdReader *reader;
    ScdGrantsOwner owner;
    GCancellable *checks;
    GQueue waiting;      /* of GrantCheck with a job, by its link */
    guint allowed;       /* bits by ScdAction: granted since the rules last changed */
    guint authenticated; /* bits by ScdAction: for which the user has ever authenticated */
};

/* From the end of the array: grants that are revoked at once remove themselves. */
static void
recheck_all_grants(gpointer data)
{
    ScdAuthorization *authorization = data;

    authorization->rules_version++;
    for (guint i = authorization->grants->len; i-- > 0;)
        scd_grants_recheck(authorization->grants->pdata[i]);
}

ScdAuthorization *
scd_authorization_new(GDBusConnection *bus, ScdClients *clients, ScdAudit *audit)
{
    ScdAuthorization *authorization = g_new0(ScdAuthorization, 1);

    authorization->clients = clients;
    authorization->audit = audit;
    authorization->grants = g_ptr_array_new();
    authorization->authority = scd_authority_new(bus, recheck_all_grants, authorization);
    return authorization;
}

void
scd_authorization_free(ScdAuthorization *authorization)
{
    g_assert(authorization->grants->len == 0);
    scd_authority_free(authorization->authority);
    g_ptr_array_unref(authorization->grants);
    g_free(authorization);
}

ScdAuthority *
scd_authorization_authority(const ScdAuthorization *authorization)
{
    return authorization->authority;
}

guint
scd_authorization_rules_version(const ScdAuthorization *authorization)
{
    return authorization->rules_version;
}

ScdAction
scd_authorization_action(GDBusMethodInvocation *invocation)
{
    /* org.smartcardd1.Session → Session.Control */
    const char *interface = g_dbus_method_invocation_get_interface_name(invocation);
    g_autofree char *member =
        g_strconcat(strrchr(interface, '.') + 1, ".",
                    g_dbus_method_invocation_get_method_name(invocation), NULL);

    return scd_action_for_call(member, g_dbus_method_invocation_get_parameters(invocation));
}

typedef struct {
    ScdAuthority *authority;
    ScdAudit *audit;
    GDBusMethodInvocation *invocation;
    GCancellable *cancellable;
    const ScdReader *reader; /* may be freed once the cancellable is cancelled */
    ScdAction action;
    ScdClient *client;
    ScdAuthorizationFunc func;
    gpointer data;
} CallCheck;

static void
end_call_check(CallCheck *check, gboolean authenticated, const GError *error)
{
    check->func(error ? NULL : scd_client_ref(check->client), authenticated, error, check->data);
    g_clear_pointer(&check->client, scd_client_unref);
    g_clear_object(&check->cancellable);
    g_object_unref(check->invocation);
    g_free(check);
}

static GError *
new_error_if_cancelled(const CallCheck *check)
{
    if (!g_cancellable_is_cancelled(check->cancellable))
        return NULL;
    return g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The call was cancelled");
}

static void
handle_verdict(ScdVerdict verdict, const GError *error, gpointer data)
{
    CallCheck *check = data;
    g_autoptr(GError) refusal = new_error_if_cancelled(check);

    if (!error && !refusal && (verdict == SCD_VERDICT_NO || verdict == SCD_VERDICT_CHALLENGE))
        refusal = scd_action_new_refusal(check->action, verdict, scd_reader_name(check->reader));
    if (!g_cancellable_is_cancelled(check->cancellable) &&
        g_error_matches(error ? error : refusal, SCD_ERROR, SCD_NOT_AUTHORIZED))
        scd_audit_client(check->audit, SCD_AUDIT_REFUSED, check->client, check->reader,
                         scd_action_id(check->action));
    end_call_check(check, verdict == SCD_VERDICT_AUTHENTICATED, error ? error : refusal);
}

static void
handle_client(ScdClient *client, const GError *error, gpointer data)
{
    CallCheck *check = data;
    g_autoptr(GError) cancelled = new_error_if_cancelled(check);

    check->client = client;
    if (!error)
        error = cancelled;
    if (error || check->action == SCD_ACTION_NONE) {
        end_call_check(check, FALSE, error);
        return;
    }
    ScdAuthorityDetails details = scd_reader_details(check->reader);
    GDBusMessage *message = g_dbus_method_invocation_get_message(check->invocation);
    gboolean interactive = (g_dbus_message_get_flags(message) &
                            G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
    scd_authority_check(check->authority, client, scd_action_id(check->action), &details,
                        interactive, check->cancellable, handle_verdict, check);
}

void
scd_authorization_check(ScdAuthorization *authorization, GDBusMethodInvocation *invocation,
                        const ScdReader *reader, GCancellable *cancellable,
                        ScdAuthorizationFunc func, gpointer data)
{
    CallCheck *check = g_new0(CallCheck, 1);

    check->authority = authorization->authority;
    check->audit = authorization->audit;
    check->invocation = g_object_ref(invocation);
    check->cancellable = g_object_ref(cancellable);
    check->reader = reader;
    check->action = scd_authorization_action(invocation);
    check->func = func;
    check->data = data;
    scd_clients_get(authorization->clients, g_dbus_method_invocation_get_sender(invocation),
                    handle_client, check);
}

typedef struct {
    ScdGrants *grants;
    GList link;
    ScdAction action;
    ScdJob *job; /* NULL for a recheck of the required action */
} GrantCheck;

static void
unref_grants(ScdGrants *grants)
{
    if (!g_ref_count_dec(&grants->references))
        return;
    g_object_unref(grants->checks);
    g_free(grants);
}

static GrantCheck *
new_grant_check(ScdGrants *grants, ScdAction action, ScdJob *job)
{
    GrantCheck *check = g_new0(GrantCheck, 1);

    g_ref_count_inc(&grants->references);
    check->grants = grants;
    check->link.data = check;
    check->action = action;
    check->job = job;
    return check;
}

static void
free_grant_check(GrantCheck *check)
{
    unref_grants(check->grants);
    g_free(check);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GrantCheck, free_grant_check)

ScdGrants *
scd_grants_new(ScdAuthorization *authorization, ScdClient *client, ScdReader *reader,
               const ScdGrantsOwner *owner)
{
    ScdGrants *grants = g_new0(ScdGrants, 1);

    g_ref_count_init(&grants->references);
    grants->authorization = authorization;
    grants->client = client;
    grants->reader = reader;
    grants->owner = *owner;
    grants->checks = g_cancellable_new();
    g_queue_init(&grants->waiting);
    g_ptr_array_add(authorization->grants, grants);
    return grants;
}

gboolean
scd_grants_cancel(ScdGrants *grants, const ScdJob *job, guint32 code)
{
    for (GList *link = grants->waiting.head; link; link = link->next) {
        GrantCheck *check = link->data;
        if (check->job != job)
            continue;
        g_queue_unlink(&grants->waiting, link);
        scd_job_finish(g_steal_pointer(&check->job), code);
        return TRUE;
    }
    return FALSE;
}

void
scd_grants_end(ScdGrants *grants, guint32 code)
{
    GList *link;

    grants->ended = TRUE;
    g_ptr_array_remove_fast(grants->authorization->grants, grants);
    g_cancellable_cancel(grants->checks);
    while ((link = g_queue_pop_head_link(&grants->waiting)))
        scd_job_finish(((GrantCheck *)link->data)->job, code);
    unref_grants(grants);
}

void
scd_grants_set_authenticated(ScdGrants *grants, ScdAction action)
{
    grants->authenticated |= 1u << action;
}

gboolean
scd_grants_has(const ScdGrants *grants, ScdAction action)
{
    return (grants->allowed & 1u << action) != 0;
}

static void
end_request(ScdClient *caller, gboolean authenticated, const GError *error, gpointer data)
{
    g_autoptr(GrantCheck) check = data;
    g_autoptr(ScdClient) client G_GNUC_UNUSED = caller;
    ScdGrants *grants = check->grants;

    if (grants->ended || !check->job)
        return;
    g_queue_unlink(&grants->waiting, &check->link);
    if (error) {
        scd_job_call_refuse(check->job, error);
        return;
    }
    grants->allowed |= 1u << check->action;
    if (authenticated)
        scd_grants_set_authenticated(grants, check->action);
    grants->owner.granted(check->job, grants->owner.data);
}

void
scd_grants_request(ScdGrants *grants, GDBusMethodInvocation *invocation, ScdJob *job)
{
    ScdAction action = scd_authorization_action(invocation);

    if (action == SCD_ACTION_NONE || scd_grants_has(grants, action)) {
        grants->owner.granted(job, grants->owner.data);
        return;
    }
    GrantCheck *check = new_grant_check(grants, action, job);
    g_queue_push_tail_link(&grants->waiting, &check->link);
    scd_authorization_check(grants->authorization, invocation, grants->reader, grants->checks,
                            end_request, check);
}

static void
end_recheck(ScdVerdict verdict, const GError *error, gpointer data)
{
    g_autoptr(GrantCheck) check = data;
    ScdGrants *grants = check->grants;
    gboolean authenticated = (grants->authenticated & 1u << check->action) != 0;

    if (grants->ended || g_error_matches(error, SCD_ERROR, SCD_E_CANCELLED))
        return;
    if (verdict != SCD_VERDICT_NO && (verdict != SCD_VERDICT_CHALLENGE || authenticated))
        return;
    scd_audit_client(grants->authorization->audit, SCD_AUDIT_REVOKED, grants->client,
                     grants->reader, NULL);
    grants->owner.revoked(grants->owner.data);
}

void
scd_grants_recheck(ScdGrants *grants)
{
    ScdAuthorityDetails details = scd_reader_details(grants->reader);
    ScdAction action = grants->owner.get_required(grants->owner.data);

    grants->allowed = 0;
    scd_authority_check(grants->authorization->authority, grants->client, scd_action_id(action),
                        &details, FALSE, grants->checks, end_recheck,
                        new_grant_check(grants, action, NULL));
}
