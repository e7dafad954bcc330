/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/authorization.h"

#include <string.h>

#include "base/error.h"
#include "base/feature.h"

#define PREFIX "org.smartcardd1."

/* A driver that does not answer a probe is given up after a second (probe.c). */
#define PROBE_LIMIT_MS 1500

static gboolean
is_exclusive(GVariant *arguments, GBytes *features)
{
    const char *share_mode;
    g_variant_get_child(arguments, 0, "&s", &share_mode);
    return g_str_equal(share_mode, "exclusive");
}

static gboolean
is_driver_command(GVariant *arguments, GBytes *features)
{
    gsize length;
    const guint8 *list = g_bytes_get_data(features, &length);
    guint32 code;

    g_variant_get_child(arguments, 0, "u", &code);
    return scd_control_code_is_driver_command(code, list, length);
}

typedef struct {
    const char *member;
    ScdAction usual;
    ScdAction special;
    /* features: the list of the reader's driver. NULL: usual for all arguments */
    gboolean (*is_special)(GVariant *arguments, GBytes *features);
    gboolean probes; /* the reader again, if the features matter */
} MemberAction;

static const MemberAction member_actions[] = {
    {"Manager.CanConnect", SCD_ACTION_CONNECT},
    {"Manager.WaitForCard", SCD_ACTION_NONE},
    {"Manager.WaitForRemoval", SCD_ACTION_NONE},
    {"Reader.Connect", SCD_ACTION_CONNECT, SCD_ACTION_EXCLUSIVE, is_exclusive},
    {"Reader.Control", SCD_ACTION_CONNECT, SCD_ACTION_CONTROL, is_driver_command, TRUE},
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

static const MemberAction *
find_row(const char *member)
{
    for (gsize i = 0; i < G_N_ELEMENTS(member_actions); i++)
        if (g_str_equal(member_actions[i].member, member))
            return &member_actions[i];
    g_assert_not_reached();
}

ScdAction
scd_action_for_call(const char *member, GVariant *arguments, GBytes *features)
{
    const MemberAction *row = find_row(member);

    return row->is_special && row->is_special(arguments, features) ? row->special : row->usual;
}

ScdAction
scd_action_for_share_mode(ScdShareMode share_mode)
{
    return share_mode == SCD_SHARE_EXCLUSIVE ? SCD_ACTION_EXCLUSIVE : SCD_ACTION_CONNECT;
}

GError *
scd_action_new_refusal(ScdAction action, ScdVerdict verdict, const char *reader)
{
    g_assert(action != SCD_ACTION_NONE &&
             (verdict == SCD_VERDICT_NO || verdict == SCD_VERDICT_CHALLENGE));
    if (verdict == SCD_VERDICT_CHALLENGE)
        return g_error_new(SCD_ERROR, SCD_INTERACTION_REQUIRED,
                           "To %s reader '%s', the user has to authenticate (polkit action %s): "
                           "allow interaction in the call, with an authentication agent running",
                           actions[action].verb, reader, actions[action].id);
    return g_error_new(SCD_ERROR, SCD_NOT_AUTHORIZED,
                       "This program may not %s reader '%s' (polkit action %s): run it in an "
                       "active local session, or ask the administrator for a polkit rule",
                       actions[action].verb, reader, actions[action].id);
}

static gboolean
is_refusal(const GError *error)
{
    return g_error_matches(error, SCD_ERROR, SCD_NOT_AUTHORIZED) ||
           g_error_matches(error, SCD_ERROR, SCD_INTERACTION_REQUIRED);
}

struct ScdAuthorization {
    ScdClients *clients;
    ScdAuthority *authority;
    ScdAudit *audit;
    ScdAuthorizationProber probe; /* NULL while there is none */
    gpointer probe_data;
    GQueue probing;      /* of ScdProbeWait */
    GPtrArray *rechecks; /* of ScdRecheck */
    guint rules_version;
};

/* From the end of the array: those that are revoked at once remove themselves. */
static void
recheck_all(gpointer data)
{
    ScdAuthorization *authorization = data;

    authorization->rules_version++;
    for (guint i = authorization->rechecks->len; i-- > 0;) {
        if (i >= authorization->rechecks->len)
            continue;
        const ScdRecheck *recheck = authorization->rechecks->pdata[i];
        recheck->func(recheck->data);
    }
}

void
scd_authorization_add_recheck(ScdAuthorization *authorization, const ScdRecheck *recheck)
{
    g_ptr_array_add(authorization->rechecks, (gpointer)recheck);
}

void
scd_authorization_remove_recheck(ScdAuthorization *authorization, const ScdRecheck *recheck)
{
    g_ptr_array_remove_fast(authorization->rechecks, (gpointer)recheck);
}

ScdAuthorization *
scd_authorization_new(GDBusConnection *bus, ScdClients *clients, ScdAudit *audit)
{
    ScdAuthorization *authorization = g_new0(ScdAuthorization, 1);

    authorization->clients = clients;
    authorization->audit = audit;
    authorization->rechecks = g_ptr_array_new();
    g_queue_init(&authorization->probing);
    authorization->authority = scd_authority_new(bus, recheck_all, authorization);
    return authorization;
}

void
scd_probe_wait_end(ScdProbeWait *wait)
{
    g_queue_unlink(&wait->authorization->probing, &wait->link);
    g_clear_handle_id(&wait->timer, g_source_remove);
    if (wait->cancelled)
        g_source_destroy(wait->cancelled);
    g_clear_pointer(&wait->cancelled, g_source_unref);
    g_clear_pointer(&wait->reader, g_free);
    wait->go_on(wait->data);
}

static gboolean
handle_probe_timeout(gpointer data)
{
    ScdProbeWait *wait = data;

    wait->timer = 0;
    scd_probe_wait_end(wait);
    return G_SOURCE_REMOVE;
}

static gboolean
handle_cancelled_wait(GCancellable *cancellable, gpointer data)
{
    scd_probe_wait_end(data);
    return G_SOURCE_REMOVE;
}

/*
 * Calls go_on(), possibly before this returns, when a rule can see as much of the reader as there
 * is to know: a late answer of its driver would otherwise come after the verdict.
 */
void
scd_probe_wait_start(ScdProbeWait *wait, const ScdReader *reader, const ScdClient *client)
{
    ScdAuthorization *authorization = wait->authorization;

    if (!authorization->probe || scd_client_uid(client) == 0 ||
        (scd_reader_identity(reader)->complete && !wait->again)) {
        wait->go_on(wait->data);
        return;
    }
    wait->link.data = wait;
    wait->reader = g_strdup(scd_reader_pcsc_name(reader));
    wait->timer = g_timeout_add(PROBE_LIMIT_MS, handle_probe_timeout, wait);
    if (wait->cancellable) {
        wait->cancelled = g_cancellable_source_new(wait->cancellable);
        g_source_set_callback(wait->cancelled, G_SOURCE_FUNC(handle_cancelled_wait), wait, NULL);
        g_source_attach(wait->cancelled, NULL);
    }
    g_queue_push_tail_link(&authorization->probing, &wait->link);
    authorization->probe(wait->reader, authorization->probe_data);
}

static ScdProbeWait *
find_probe_wait(const ScdAuthorization *authorization, const char *reader)
{
    for (GList *link = authorization->probing.head; link; link = link->next) {
        ScdProbeWait *wait = link->data;
        if (!reader || g_str_equal(wait->reader, reader))
            return wait;
    }
    return NULL;
}

void
scd_authorization_reader_probed(ScdAuthorization *authorization, const char *reader)
{
    ScdProbeWait *wait;

    while ((wait = find_probe_wait(authorization, reader)))
        scd_probe_wait_end(wait);
}

void
scd_authorization_set_prober(ScdAuthorization *authorization, ScdAuthorizationProber probe,
                             gpointer data)
{
    authorization->probe = probe;
    authorization->probe_data = data;
    if (!probe)
        scd_authorization_reader_probed(authorization, NULL);
}

void
scd_authorization_free(ScdAuthorization *authorization)
{
    g_assert(authorization->rechecks->len == 0 && authorization->probing.length == 0);
    scd_authority_free(authorization->authority);
    g_ptr_array_unref(authorization->rechecks);
    g_free(authorization);
}

ScdAudit *
scd_authorization_audit(const ScdAuthorization *authorization)
{
    return authorization->audit;
}

ScdAuthority *
scd_authorization_authority(const ScdAuthorization *authorization)
{
    return authorization->authority;
}

/* org.smartcardd1.Session → Session.Control */
static char *
dup_member(GDBusMethodInvocation *invocation)
{
    const char *interface = g_dbus_method_invocation_get_interface_name(invocation);

    return g_strconcat(strrchr(interface, '.') + 1, ".",
                       g_dbus_method_invocation_get_method_name(invocation), NULL);
}

ScdAction
scd_authorization_action(GDBusMethodInvocation *invocation, GBytes *features)
{
    g_autofree char *member = dup_member(invocation);
    g_autoptr(GBytes) none = g_bytes_new(NULL, 0);

    return scd_action_for_call(member, g_dbus_method_invocation_get_parameters(invocation),
                               features ? features : none);
}

/*
 * If the action depends on the list of features, which the driver may have changed, returns the one
 * that the caller needs before the reader is probed. Else returns SCD_ACTION_NONE.
 */
static ScdAction
get_action_for_probe(GDBusMethodInvocation *invocation)
{
    g_autofree char *member = dup_member(invocation);
    const MemberAction *row = find_row(member);
    gboolean depends = row->probes && scd_authorization_action(invocation, NULL) == row->special;

    return depends ? row->usual : SCD_ACTION_NONE;
}

GVariant *
scd_subject_new(const ScdReader *reader)
{
    const ScdCard *card = scd_reader_card(reader);
    ScdAuthorityDetails details = scd_reader_details(reader);
    g_autoptr(GVariant) pairs = scd_authority_details_to_variant(&details);

    return g_variant_ref_sink(g_variant_new("(@a{ss}s)", pairs, card ? scd_card_path(card) : "/"));
}

GVariant *
scd_subject_get_details(GVariant *subject)
{
    return g_variant_get_child_value(subject, 0);
}

typedef struct {
    ScdAuthorization *authorization;
    GDBusMethodInvocation *invocation;
    GCancellable *cancellable;
    const ScdReader *reader; /* may be freed once the cancellable is cancelled */
    GBytes *features;        /* NULL: those of the reader */
    ScdAction action;
    ScdClient *client;
    ScdProbeWait probe;
    ScdAction for_probe;    /* SCD_ACTION_NONE: no new probe is needed, or it was started */
    GVariant *asked;        /* the subject of the open question; NULL before, and for root */
    guint rules_version;    /* when it was asked */
    gboolean authenticated; /* the user has, for these details */
    ScdAuthorizationFunc func;
    gpointer data;
} CallCheck;

static ScdAction
get_action(const CallCheck *check)
{
    GBytes *of_reader = check->reader ? scd_reader_identity(check->reader)->feature_list : NULL;

    return scd_authorization_action(check->invocation,
                                    check->features ? check->features : of_reader);
}

static void
end_call_check(CallCheck *check, const GError *error)
{
    const ScdGrant grant = {check->action, check->authenticated};

    check->func(error ? NULL : scd_client_ref(check->client), &grant, error, check->data);
    g_clear_pointer(&check->client, scd_client_unref);
    g_clear_pointer(&check->asked, g_variant_unref);
    g_clear_pointer(&check->features, g_bytes_unref);
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

static gboolean
is_yes(ScdVerdict verdict)
{
    return verdict == SCD_VERDICT_YES || verdict == SCD_VERDICT_AUTHENTICATED;
}

/*
 * Reader, card or rules have changed since the question: the verdict is about something else. Root
 * is authorized without a question.
 */
static gboolean
is_outdated(const CallCheck *check)
{
    if (!check->asked)
        return FALSE;
    g_autoptr(GVariant) subject = scd_subject_new(check->reader);

    return check->rules_version != check->authorization->rules_version ||
           !g_variant_equal(subject, check->asked) || check->action != get_action(check);
}

/* Returns TRUE if the check goes on after a new probe, now that the caller may start one. */
static gboolean
starts_new_probe(CallCheck *check, ScdVerdict verdict)
{
    if (check->for_probe == SCD_ACTION_NONE || !is_yes(verdict))
        return FALSE;
    check->for_probe = SCD_ACTION_NONE;
    check->probe.again = TRUE;
    scd_probe_wait_start(&check->probe, check->reader, check->client);
    return TRUE;
}

static void
handle_verdict(ScdVerdict verdict, const GError *error, gpointer data)
{
    CallCheck *check = data;
    g_autoptr(GError) refusal = new_error_if_cancelled(check);
    gboolean yes = is_yes(verdict) || (verdict == SCD_VERDICT_CHALLENGE && check->authenticated);

    check->authenticated = check->authenticated || verdict == SCD_VERDICT_AUTHENTICATED;
    if (!error && !refusal && starts_new_probe(check, verdict))
        return;
    if (!error && !refusal && is_outdated(check)) {
        scd_probe_wait_start(&check->probe, check->reader, check->client);
        return;
    }
    if (!error && !refusal && !yes)
        refusal = scd_action_new_refusal(check->action, verdict, scd_reader_name(check->reader));
    if (!g_cancellable_is_cancelled(check->cancellable) && is_refusal(error ? error : refusal))
        scd_audit_client(check->authorization->audit, SCD_AUDIT_REFUSED, check->client,
                         check->reader, scd_action_id(check->action));
    end_call_check(check, error ? error : refusal);
}

static gboolean
allows_interaction(GDBusMethodInvocation *invocation)
{
    GDBusMessage *message = g_dbus_method_invocation_get_message(invocation);
    return (g_dbus_message_get_flags(message) &
            G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
}

/* An authentication is for the action and the details that it was asked with. */
static void
note_question(CallCheck *check)
{
    g_autoptr(GVariant) before = check->asked ? scd_subject_get_details(check->asked) : NULL;
    ScdAction action = get_action(check);

    if (action != check->action)
        check->authenticated = FALSE;
    check->action = action;
    if (scd_client_uid(check->client) == 0)
        return;
    g_clear_pointer(&check->asked, g_variant_unref);
    check->asked = scd_subject_new(check->reader);
    check->rules_version = check->authorization->rules_version;
    g_autoptr(GVariant) now = scd_subject_get_details(check->asked);
    if (before && !g_variant_equal(before, now))
        check->authenticated = FALSE;
}

static void
query_authority(gpointer data)
{
    CallCheck *check = data;
    g_autoptr(GError) cancelled = new_error_if_cancelled(check);

    if (cancelled) {
        end_call_check(check, cancelled);
        return;
    }
    check->probe.again = FALSE;
    note_question(check);
    if (check->action == SCD_ACTION_NONE) {
        end_call_check(check, NULL);
        return;
    }
    ScdAuthorityDetails details = scd_reader_details(check->reader);
    gboolean interactive = allows_interaction(check->invocation) && !check->authenticated;
    scd_authority_check(check->authorization->authority, check->client,
                        scd_action_id(check->action), &details,
                        interactive ? SCD_AUTHORITY_INTERACTIVE : SCD_AUTHORITY_NONE,
                        check->cancellable, handle_verdict, check);
}

static void
handle_verdict_on_probe(ScdVerdict verdict, const GError *error, gpointer data)
{
    CallCheck *check = data;

    if (error || g_cancellable_is_cancelled(check->cancellable))
        handle_verdict(verdict, error, check);
    else if (!starts_new_probe(check, verdict))
        scd_probe_wait_start(&check->probe, check->reader, check->client);
}

/*
 * The probe keeps other programs from exclusive use of the reader for a moment. So polkit is asked
 * first, whether the caller may use the reader.
 */
static void
query_authority_for_probe(CallCheck *check)
{
    ScdAuthorityDetails details = scd_reader_details(check->reader);

    scd_authority_check(check->authorization->authority, check->client,
                        scd_action_id(check->for_probe), &details, SCD_AUTHORITY_NONE,
                        check->cancellable, handle_verdict_on_probe, check);
}

static void
handle_client(ScdClient *client, const GError *error, gpointer data)
{
    CallCheck *check = data;
    g_autoptr(GError) cancelled = new_error_if_cancelled(check);

    check->client = client;
    if (!error)
        error = cancelled;
    if (error || check->action == SCD_ACTION_NONE)
        end_call_check(check, error);
    else if (check->for_probe != SCD_ACTION_NONE)
        query_authority_for_probe(check);
    else
        scd_probe_wait_start(&check->probe, check->reader, client);
}

void
scd_authorization_check(ScdAuthorization *authorization, GDBusMethodInvocation *invocation,
                        const ScdReader *reader, GBytes *features, GCancellable *cancellable,
                        ScdAuthorizationFunc func, gpointer data)
{
    CallCheck *check = g_new0(CallCheck, 1);

    check->authorization = authorization;
    check->invocation = g_object_ref(invocation);
    check->cancellable = g_object_ref(cancellable);
    check->reader = reader;
    check->features = features ? g_bytes_ref(features) : NULL;
    check->action = get_action(check);
    /* The charges of a call that is cancelled have ended: it must not stay until the probe ends. */
    check->probe.cancellable = cancellable;
    check->probe.authorization = authorization;
    check->for_probe = get_action_for_probe(invocation);
    check->probe.go_on = query_authority;
    check->probe.data = check;
    check->func = func;
    check->data = data;
    scd_clients_get(authorization->clients, g_dbus_method_invocation_get_sender(invocation),
                    handle_client, check);
}
