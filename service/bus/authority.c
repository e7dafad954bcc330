/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/authority.h"

#include "base/error.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* CheckAuthorizationFlags of polkit */
#define POLKIT_ALLOW_USER_INTERACTION 1u

/*
 * dbus-daemon allows 128 pending calls of a connection, and refuses further ones. The audit log has
 * a few of them (audit.c), and some are left to rechecks.
 */
#define SENT_MAX 96
#define SENT_WITH_RECHECKS_MAX 112
#define SENT_PER_USER 8

/* Checks that are queued in addition to those. */
#define WAITING_PER_USER 256

/* polkit may take long: a rule can run a program, for 10 seconds at most. */
#define REPLY_LIMIT_S 60

struct ScdAuthority {
    GDBusConnection *bus;
    ScdAuthorityChangedFunc changed;
    gpointer data;
    gboolean was_there;  /* polkit has replied, or was started while the service runs */
    guint signals;       /* subscription */
    guint owner_changes; /* likewise */
    guint64 last_dialog;
    guint n_sent;       /* checks in the queues of the users */
    guint64 sent_count; /* checks that were ever sent */
    gboolean stopped;   /* no check is sent any more */
    GHashTable *users;  /* uid → AuthorityUser, of those with checks; NULL once freed */
};

typedef struct {
    ScdAuthority *authority;
    guint uid;
    GQueue sent;    /* of AuthorityCheck, by its link */
    GQueue waiting; /* likewise; rechecks first */
    guint n_calls;  /* waiting, without rechecks */
    guint64 turn;   /* sent_count when its last check was sent */
} AuthorityUser;

/*
 * A waiting check is freed when it ends. One that was sent to polkit stays in its queue until
 * polkit replies, even if it has ended before: the bus counts the pending call until then.
 */
typedef struct {
    AuthorityUser *user;
    GList link;
    gboolean sent;     /* the queue it is in */
    ScdClient *client; /* NULL once the check has ended, like the fields below */
    guint leave;
    const char *action_id;
    GVariant *details;
    ScdAuthorityFlags flags;
    char *dialog;       /* polkit's id of the second query, which allows a dialog; or NULL */
    GSource *cancelled; /* by the caller's cancellable; NULL without one */
    guint timer;
    ScdAuthorityFunc func;
    gpointer data;
} AuthorityCheck;

static void send_waiting_checks(ScdAuthority *authority);

static void
free_idle_user(AuthorityUser *user)
{
    if (!user->sent.head && !user->waiting.head)
        g_hash_table_remove(user->authority->users, GUINT_TO_POINTER(user->uid));
}

/* polkit replies to the query then. */
static void
close_dialog(AuthorityCheck *check)
{
    if (check->dialog)
        g_dbus_connection_call(check->user->authority->bus, POLKIT_NAME, POLKIT_PATH,
                               POLKIT_INTERFACE, "CancelCheckAuthorization",
                               g_variant_new("(s)", check->dialog), NULL,
                               G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
    g_clear_pointer(&check->dialog, g_free);
}

static void
add_to_waiting(AuthorityCheck *check)
{
    AuthorityUser *user = check->user;

    if (check->flags & SCD_AUTHORITY_RECHECK) {
        g_queue_push_head_link(&user->waiting, &check->link);
        return;
    }
    g_queue_push_tail_link(&user->waiting, &check->link);
    user->n_calls++;
}

static void
remove_from_waiting(AuthorityCheck *check)
{
    g_queue_unlink(&check->user->waiting, &check->link);
    if (!(check->flags & SCD_AUTHORITY_RECHECK))
        check->user->n_calls--;
}

static void
end_check(AuthorityCheck *check, ScdVerdict verdict, const GError *error)
{
    ScdAuthorityFunc func = g_steal_pointer(&check->func);
    gpointer data = check->data;

    scd_client_remove_leave(check->client, check->leave);
    g_clear_pointer(&check->client, scd_client_unref);
    g_clear_pointer(&check->details, g_variant_unref);
    g_clear_handle_id(&check->timer, g_source_remove);
    if (check->cancelled)
        g_source_destroy(check->cancelled);
    g_clear_pointer(&check->cancelled, g_source_unref);
    if (check->user)
        close_dialog(check);
    g_clear_pointer(&check->dialog, g_free);
    if (!check->sent) {
        remove_from_waiting(check);
        free_idle_user(check->user);
        g_free(check);
    }
    func(verdict, error, data);
}

static void
cancel_check(AuthorityCheck *check, const char *why)
{
    g_autoptr(GError) error = g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, why);
    end_check(check, SCD_VERDICT_NO, error);
}

static void
refuse_without_polkit(AuthorityCheck *check, const char *why)
{
    g_autoptr(GError) error =
        g_error_new(SCD_ERROR, SCD_NOT_AUTHORIZED,
                    "polkit is not available to check %s, only root is authorized until it is: %s",
                    check->action_id, why);
    end_check(check, SCD_VERDICT_NO, error);
}

static void
remove_from_sent(AuthorityCheck *check)
{
    AuthorityUser *user = g_steal_pointer(&check->user);
    ScdAuthority *authority = user->authority;

    g_queue_unlink(&user->sent, &check->link);
    authority->n_sent--;
    free_idle_user(user);
    send_waiting_checks(authority);
}

/*
 * Returns whether polkit is not running, and could not be started. The errors of systemd, and the
 * time limit, are those of the start.
 */
static gboolean
is_away(const GError *error)
{
    static const char *const prefixes[] = {
        "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.TimedOut", "org.freedesktop.DBus.Error.Spawn.",
        "org.freedesktop.systemd1."};
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    for (gsize i = 0; name && i < G_N_ELEMENTS(prefixes); i++)
        if (g_str_has_prefix(name, prefixes[i]))
            return TRUE;
    return FALSE;
}

/* Any other error says nothing about a grant, which must not be used then. */
static void
handle_error(AuthorityCheck *check, const GError *error)
{
    g_autoptr(GError) plain = g_error_copy(error);
    g_autoptr(GError) no_verdict = NULL;

    g_dbus_error_strip_remote_error(plain);
    if (is_away(error) || !(check->flags & SCD_AUTHORITY_RECHECK)) {
        refuse_without_polkit(check, plain->message);
        return;
    }
    no_verdict = g_error_new(SCD_ERROR, SCD_E_TIMEOUT, "polkit has no verdict on %s: %s",
                             check->action_id, plain->message);
    end_check(check, SCD_VERDICT_NO, no_verdict);
}

static void query_polkit(AuthorityCheck *check);

/* The reply of polkit to a query. */
typedef struct {
    gboolean authorized;
    gboolean challenge; /* the user would have to authenticate */
    gboolean temporary; /* by an authentication that polkit keeps for a while */
} PolkitResult;

static gboolean
read_result(GVariant *reply, PolkitResult *result)
{
    g_autoptr(GVariant) details = NULL;

    if (!reply)
        return FALSE;
    g_variant_get(reply, "((bb@a{ss}))", &result->authorized, &result->challenge, &details);
    result->temporary = g_variant_lookup(details, "polkit.temporary_authorization_id", "s", NULL);
    return TRUE;
}

/* The check stays in its queue. */
static void
query_with_dialog(AuthorityCheck *check)
{
    check->dialog =
        g_strdup_printf("smartcardd-%" G_GUINT64_FORMAT, ++check->user->authority->last_dialog);
    g_clear_handle_id(&check->timer, g_source_remove);
    query_polkit(check);
}

static ScdVerdict
get_verdict(const AuthorityCheck *check, const PolkitResult *result)
{
    if (result->challenge)
        return SCD_VERDICT_CHALLENGE;
    if (!result->authorized)
        return SCD_VERDICT_NO;
    /* In this dialog, or in an earlier one. */
    return check->dialog || result->temporary ? SCD_VERDICT_AUTHENTICATED : SCD_VERDICT_YES;
}

static void
handle_reply(GObject *source, GAsyncResult *async_result, gpointer data)
{
    g_autofree AuthorityCheck *check = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), async_result, &error);
    PolkitResult result;
    gboolean valid = read_result(reply, &result);

    if (check->func && valid && result.challenge && (check->flags & SCD_AUTHORITY_INTERACTIVE) &&
        !check->dialog) {
        query_with_dialog(g_steal_pointer(&check));
        return;
    }
    if (!check->func) {
        if (check->user)
            remove_from_sent(check);
        return;
    }
    if (valid && check->user)
        check->user->authority->was_there = TRUE;
    ScdVerdict verdict = valid ? get_verdict(check, &result) : SCD_VERDICT_NO;
    g_clear_pointer(&check->dialog, g_free);
    if (check->user)
        remove_from_sent(check);
    if (valid)
        end_check(check, verdict, NULL);
    else
        handle_error(check, error);
}

static void
query_polkit(AuthorityCheck *check)
{
    g_auto(GVariantBuilder) subject = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    g_variant_builder_add(&subject, "{sv}", "name",
                          g_variant_new_string(scd_client_name(check->client)));
    g_dbus_connection_call(
        check->user->authority->bus, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
        "CheckAuthorization",
        g_variant_new("((sa{sv})s@a{ss}us)", "system-bus-name", &subject, check->action_id,
                      check->details, check->dialog ? POLKIT_ALLOW_USER_INTERACTION : 0u,
                      check->dialog ? check->dialog : ""),
        G_VARIANT_TYPE("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, handle_reply, check);
}

static void
send_check(AuthorityCheck *check)
{
    AuthorityUser *user = check->user;

    remove_from_waiting(check);
    g_queue_push_tail_link(&user->sent, &check->link);
    check->sent = TRUE;
    user->authority->n_sent++;
    user->turn = ++user->authority->sent_count;
    query_polkit(check);
}

static gboolean
may_send(const AuthorityUser *user)
{
    const AuthorityCheck *first = user->waiting.head ? user->waiting.head->data : NULL;
    gboolean recheck = first && (first->flags & SCD_AUTHORITY_RECHECK);

    return first && user->sent.length < SENT_PER_USER &&
           user->authority->n_sent < (recheck ? SENT_WITH_RECHECKS_MAX : SENT_MAX);
}

/* Returns the user whose turn it is: the one with the fewest checks at polkit. NULL for none. */
static AuthorityUser *
choose_user(const ScdAuthority *authority)
{
    AuthorityUser *chosen = NULL;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, authority->users);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        AuthorityUser *user = value;
        if (!may_send(user))
            continue;
        if (!chosen || user->sent.length < chosen->sent.length ||
            (user->sent.length == chosen->sent.length && user->turn < chosen->turn))
            chosen = user;
    }
    return chosen;
}

/* Sends as many checks as the limits allow. */
static void
send_waiting_checks(ScdAuthority *authority)
{
    AuthorityUser *user;

    while (!authority->stopped && authority->n_sent < SENT_WITH_RECHECKS_MAX &&
           (user = choose_user(authority)))
        send_check(user->waiting.head->data);
}

static AuthorityUser *
get_any_user(ScdAuthority *authority)
{
    GHashTableIter iter;
    gpointer user;

    g_hash_table_iter_init(&iter, authority->users);
    return g_hash_table_iter_next(&iter, NULL, &user) ? user : NULL;
}

static void
announce_change(ScdAuthority *authority)
{
    if (authority->changed)
        authority->changed(authority->data);
}

/* Newer versions announce a change of the active session by a signal of its own. */
static void
handle_polkit_signal(GDBusConnection *bus, const char *sender, const char *path,
                     const char *interface, const char *signal, GVariant *arguments, gpointer data)
{
    if (g_str_equal(signal, "Changed") || g_str_equal(signal, "SessionsChanged"))
        announce_change(data);
}

/* A polkitd that has just started may have other rules than the one before. */
static void
handle_polkit_owner(GDBusConnection *bus, const char *sender, const char *path,
                    const char *interface, const char *signal, GVariant *arguments, gpointer data)
{
    ScdAuthority *authority = data;
    const char *owner = "";

    if (g_variant_is_of_type(arguments, G_VARIANT_TYPE("(sss)")))
        g_variant_get(arguments, "(&s&s&s)", NULL, NULL, &owner);
    if (*owner && authority->was_there)
        announce_change(authority);
    authority->was_there = authority->was_there || *owner;
}

static AuthorityUser *
get_user(ScdAuthority *authority, guint uid)
{
    AuthorityUser *user = g_hash_table_lookup(authority->users, GUINT_TO_POINTER(uid));

    if (!user) {
        user = g_new0(AuthorityUser, 1);
        user->authority = authority;
        user->uid = uid;
        g_hash_table_insert(authority->users, GUINT_TO_POINTER(uid), user);
    }
    return user;
}

GVariant *
scd_authority_details_to_variant(const ScdAuthorityDetails *details)
{
    g_auto(GVariantBuilder) pairs = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{ss}"));

    g_variant_builder_add(&pairs, "{ss}", "reader", details->reader);
    g_variant_builder_add(&pairs, "{ss}", "usb-path", details->usb_path);
    g_variant_builder_add(&pairs, "{ss}", "serial", details->serial);
    g_variant_builder_add(&pairs, "{ss}", "alias", details->alias);
    g_variant_builder_add(&pairs, "{ss}", "atr", details->atr);
    return g_variant_ref_sink(g_variant_builder_end(&pairs));
}

static void
handle_client_left(gpointer data)
{
    cancel_check(data, "The client has left the bus");
}

static gboolean
handle_cancelled(GCancellable *cancellable, gpointer data)
{
    cancel_check(data, "The call was cancelled");
    return G_SOURCE_REMOVE;
}

static gboolean
handle_timeout(gpointer data)
{
    AuthorityCheck *check = data;
    g_autoptr(GError) error = g_error_new(
        SCD_ERROR, SCD_E_TIMEOUT, "polkit does not reply to a check of %s", check->action_id);

    if (check->flags & SCD_AUTHORITY_RECHECK)
        end_check(check, SCD_VERDICT_NO, error);
    else
        refuse_without_polkit(check, "it does not reply");
    return G_SOURCE_CONTINUE; /* the source was removed by then */
}

/* The events that end a check before polkit replies. */
static void
watch_check(AuthorityCheck *check, GCancellable *cancellable)
{
    check->leave = scd_client_on_leave(check->client, handle_client_left, check);
    check->timer = g_timeout_add_seconds(REPLY_LIMIT_S, handle_timeout, check);
    if (cancellable) {
        check->cancelled = g_cancellable_source_new(cancellable);
        g_source_set_callback(check->cancelled, G_SOURCE_FUNC(handle_cancelled), check, NULL);
        g_source_attach(check->cancelled, NULL);
    }
}

/* Returns TRUE if func was called, because polkit need not be queried. */
static gboolean
check_without_polkit(ScdAuthority *authority, ScdClient *client, ScdAuthorityFlags flags,
                     ScdAuthorityFunc func, gpointer data)
{
    g_autoptr(GError) error = NULL;
    const AuthorityUser *user =
        g_hash_table_lookup(authority->users, GUINT_TO_POINTER(scd_client_uid(client)));

    if (scd_client_is_gone(client))
        error = g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The client has left the bus");
    else if (user && user->n_calls == WAITING_PER_USER && !(flags & SCD_AUTHORITY_RECHECK))
        error = g_error_new(SCD_ERROR, SCD_LIMITS_EXCEEDED,
                            "User %u has %d polkit checks pending: wait until one of them ends",
                            user->uid, SENT_PER_USER + WAITING_PER_USER);
    else if (scd_client_uid(client) != 0)
        return FALSE;
    func(error ? SCD_VERDICT_NO : SCD_VERDICT_YES, error, data);
    return TRUE;
}

void
scd_authority_check(ScdAuthority *authority, ScdClient *client, const char *action_id,
                    const ScdAuthorityDetails *details, ScdAuthorityFlags flags,
                    GCancellable *cancellable, ScdAuthorityFunc func, gpointer data)
{
    if (check_without_polkit(authority, client, flags, func, data))
        return;

    AuthorityUser *user = get_user(authority, scd_client_uid(client));
    AuthorityCheck *check = g_new0(AuthorityCheck, 1);
    check->user = user;
    check->link.data = check;
    check->client = scd_client_ref(client);
    check->action_id = action_id;
    check->details = scd_authority_details_to_variant(details);
    check->flags = flags;
    check->func = func;
    check->data = data;
    watch_check(check, cancellable);
    add_to_waiting(check);
    send_waiting_checks(authority);
}

ScdAuthority *
scd_authority_new(GDBusConnection *bus, ScdAuthorityChangedFunc changed, gpointer data)
{
    ScdAuthority *authority = g_new0(ScdAuthority, 1);

    authority->bus = g_object_ref(bus);
    authority->signals = g_dbus_connection_signal_subscribe(
        bus, POLKIT_NAME, POLKIT_INTERFACE, NULL, POLKIT_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
        handle_polkit_signal, authority, NULL);
    authority->owner_changes = g_dbus_connection_signal_subscribe(
        bus, BUS_NAME, BUS_NAME, "NameOwnerChanged", BUS_PATH, POLKIT_NAME,
        G_DBUS_SIGNAL_FLAGS_NONE, handle_polkit_owner, authority, NULL);
    authority->changed = changed;
    authority->data = data;
    authority->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return authority;
}

void
scd_authority_free(ScdAuthority *authority)
{
    AuthorityUser *user;

    authority->stopped = TRUE;
    while ((user = get_any_user(authority))) {
        AuthorityCheck *check = (user->waiting.head ? user->waiting.head : user->sent.head)->data;
        if (check->func)
            cancel_check(check, "The service is shutting down");
        else
            remove_from_sent(check);
    }
    g_hash_table_unref(g_steal_pointer(&authority->users));
    g_dbus_connection_signal_unsubscribe(authority->bus, authority->signals);
    g_dbus_connection_signal_unsubscribe(authority->bus, authority->owner_changes);
    g_object_unref(authority->bus);
    g_free(authority);
}
