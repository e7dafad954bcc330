/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/authority.h"

#include <polkit/polkit.h>

#include "base/error.h"

/* dbus-daemon allows 128 pending calls of a connection: enough for 16 such users. */
#define SENT_PER_USER 8

/* Checks that are queued in addition to those. */
#define WAITING_PER_USER 256

/* polkit may take long: a rule can run a program, for 10 seconds at most. */
#define REPLY_LIMIT_S 60

struct ScdAuthority {
    ScdAuthorityChangedFunc changed;
    gpointer data;
    PolkitAuthority *polkit; /* NULL until the first check, and while not available */
    gboolean connecting;     /* polkit_authority_get_async() is pending */
    GHashTable *users;       /* uid → AuthorityUser, of those with checks; NULL once freed */
};

typedef struct {
    ScdAuthority *authority;
    guint uid;
    GQueue sent;    /* of AuthorityCheck, by its link */
    GQueue waiting; /* likewise */
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
    PolkitDetails *details;
    GCancellable *dialog; /* closes the dialog; NULL if none is allowed */
    gboolean at_dialog;   /* the second query, which allows a dialog, was sent */
    GSource *cancelled;   /* by the caller's cancellable; NULL without one */
    guint timer;
    ScdAuthorityFunc func;
    gpointer data;
} AuthorityCheck;

static void send_waiting_checks(AuthorityUser *user);

static void
end_check(AuthorityCheck *check, ScdVerdict verdict, const GError *error)
{
    ScdAuthorityFunc func = g_steal_pointer(&check->func);
    gpointer data = check->data;

    scd_client_remove_leave(check->client, check->leave);
    g_clear_pointer(&check->client, scd_client_unref);
    g_clear_object(&check->details);
    g_clear_handle_id(&check->timer, g_source_remove);
    if (check->cancelled)
        g_source_destroy(check->cancelled);
    g_clear_pointer(&check->cancelled, g_source_unref);
    g_cancellable_cancel(check->dialog);
    g_clear_object(&check->dialog);
    if (!check->sent) {
        g_queue_unlink(&check->user->waiting, &check->link);
        send_waiting_checks(check->user);
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

    g_queue_unlink(&user->sent, &check->link);
    send_waiting_checks(user);
}

static void query_polkit(AuthorityCheck *check);

static gboolean
needs_dialog(const AuthorityCheck *check, PolkitAuthorizationResult *result)
{
    return check->dialog && !check->at_dialog && result &&
           polkit_authorization_result_get_is_challenge(result);
}

/* The check stays in its queue. */
static void
query_with_dialog(AuthorityCheck *check)
{
    check->at_dialog = TRUE;
    g_clear_handle_id(&check->timer, g_source_remove);
    query_polkit(check);
}

static ScdVerdict
get_verdict(const AuthorityCheck *check, PolkitAuthorizationResult *result)
{
    if (polkit_authorization_result_get_is_challenge(result))
        return SCD_VERDICT_CHALLENGE;
    if (!polkit_authorization_result_get_is_authorized(result))
        return SCD_VERDICT_NO;
    /* In this dialog, or in an earlier one: polkit keeps an authorization for a while. */
    if (check->at_dialog || polkit_authorization_result_get_temporary_authorization_id(result))
        return SCD_VERDICT_AUTHENTICATED;
    return SCD_VERDICT_YES;
}

static void
handle_reply(GObject *source, GAsyncResult *async_result, gpointer data)
{
    g_autofree AuthorityCheck *check = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(PolkitAuthorizationResult) result =
        polkit_authority_check_authorization_finish(POLKIT_AUTHORITY(source), async_result, &error);

    if (needs_dialog(check, result)) {
        query_with_dialog(g_steal_pointer(&check));
        return;
    }
    if (check->user)
        remove_from_sent(check);
    if (!check->func)
        return;
    if (!result)
        refuse_without_polkit(check, error->message);
    else
        end_check(check, get_verdict(check, result), NULL);
}

static void
query_polkit(AuthorityCheck *check)
{
    g_autoptr(PolkitSubject) subject = polkit_system_bus_name_new(scd_client_name(check->client));

    polkit_authority_check_authorization(
        check->user->authority->polkit, subject, check->action_id, check->details,
        check->at_dialog ? POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION
                         : POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE,
        check->dialog, handle_reply, check);
}

static void
send_check(AuthorityCheck *check)
{
    AuthorityUser *user = check->user;

    g_queue_unlink(&user->waiting, &check->link);
    g_queue_push_tail_link(&user->sent, &check->link);
    check->sent = TRUE;
    query_polkit(check);
}

/* Sends as many checks as the limit allows. A user without any checks is freed. */
static void
send_waiting_checks(AuthorityUser *user)
{
    while (user->authority->polkit && user->sent.length < SENT_PER_USER && user->waiting.head)
        send_check(user->waiting.head->data);
    if (!user->sent.head && !user->waiting.head)
        g_hash_table_remove(user->authority->users, GUINT_TO_POINTER(user->uid));
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

/* A polkitd that has just started may have other rules than the one before. */
static void
handle_polkit_owner(ScdAuthority *authority)
{
    g_autofree char *owner = polkit_authority_get_owner(authority->polkit);

    if (owner)
        announce_change(authority);
}

/* The next check connects again. */
static void
refuse_all_checks(ScdAuthority *authority, const char *why)
{
    AuthorityUser *user;

    while ((user = get_any_user(authority)))
        refuse_without_polkit(user->waiting.head->data, why);
}

static void
use_polkit(ScdAuthority *authority, PolkitAuthority *polkit)
{
    GHashTableIter iter;
    gpointer user;

    authority->polkit = g_object_ref(polkit);
    g_signal_connect_swapped(polkit, "changed", G_CALLBACK(announce_change), authority);
    /* Newer versions announce a change of the active session by a separate signal. */
    if (g_signal_lookup("sessions-changed", POLKIT_TYPE_AUTHORITY))
        g_signal_connect_swapped(polkit, "sessions-changed", G_CALLBACK(announce_change),
                                 authority);
    g_signal_connect_swapped(polkit, "notify::owner", G_CALLBACK(handle_polkit_owner), authority);
    g_hash_table_iter_init(&iter, authority->users);
    while (g_hash_table_iter_next(&iter, NULL, &user))
        send_waiting_checks(user);
}

static void
handle_polkit(GObject *source, GAsyncResult *result, gpointer data)
{
    ScdAuthority *authority = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(PolkitAuthority) polkit = polkit_authority_get_finish(result, &error);

    authority->connecting = FALSE;
    if (authority->users && polkit)
        use_polkit(authority, polkit);
    else if (authority->users)
        refuse_all_checks(authority, error->message);
    g_rc_box_release(authority);
}

/* polkit's library connects in a thread of its own. */
static void
connect_to_polkit(ScdAuthority *authority)
{
    if (authority->polkit || authority->connecting)
        return;
    authority->connecting = TRUE;
    polkit_authority_get_async(NULL, handle_polkit, g_rc_box_acquire(authority));
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

static PolkitDetails *
new_polkit_details(const ScdAuthorityDetails *details)
{
    PolkitDetails *pairs = polkit_details_new();

    polkit_details_insert(pairs, "reader", details->reader);
    polkit_details_insert(pairs, "usb-path", details->usb_path);
    polkit_details_insert(pairs, "alias", details->alias);
    polkit_details_insert(pairs, "atr", details->atr);
    return pairs;
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
    refuse_without_polkit(data, "it does not reply");
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
check_without_polkit(ScdAuthority *authority, ScdClient *client, ScdAuthorityFunc func,
                     gpointer data)
{
    g_autoptr(GError) error = NULL;
    const AuthorityUser *user =
        g_hash_table_lookup(authority->users, GUINT_TO_POINTER(scd_client_uid(client)));

    if (scd_client_is_gone(client))
        error = g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The client has left the bus");
    else if (user && user->waiting.length == WAITING_PER_USER)
        error = g_error_new(SCD_ERROR, SCD_LIMIT_EXCEEDED,
                            "User %u has %d polkit checks pending: wait until one of them ends",
                            user->uid, SENT_PER_USER + WAITING_PER_USER);
    else if (scd_client_uid(client) != 0)
        return FALSE;
    func(error ? SCD_VERDICT_NO : SCD_VERDICT_YES, error, data);
    return TRUE;
}

void
scd_authority_check(ScdAuthority *authority, ScdClient *client, const char *action_id,
                    const ScdAuthorityDetails *details, gboolean interactive,
                    GCancellable *cancellable, ScdAuthorityFunc func, gpointer data)
{
    if (check_without_polkit(authority, client, func, data))
        return;

    AuthorityUser *user = get_user(authority, scd_client_uid(client));
    AuthorityCheck *check = g_new0(AuthorityCheck, 1);
    check->user = user;
    check->link.data = check;
    check->client = scd_client_ref(client);
    check->action_id = action_id;
    check->details = new_polkit_details(details);
    check->dialog = interactive ? g_cancellable_new() : NULL;
    check->func = func;
    check->data = data;
    watch_check(check, cancellable);
    g_queue_push_tail_link(&user->waiting, &check->link);
    connect_to_polkit(authority);
    send_waiting_checks(user);
}

ScdAuthority *
scd_authority_new(ScdAuthorityChangedFunc changed, gpointer data)
{
    ScdAuthority *authority = g_rc_box_new0(ScdAuthority);
    authority->changed = changed;
    authority->data = data;
    authority->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return authority;
}

void
scd_authority_free(ScdAuthority *authority)
{
    AuthorityUser *user;

    while ((user = get_any_user(authority))) {
        AuthorityCheck *check = (user->waiting.head ? user->waiting.head : user->sent.head)->data;
        if (check->func)
            cancel_check(check, "The service is shutting down");
        else
            remove_from_sent(check);
    }
    g_hash_table_unref(g_steal_pointer(&authority->users));
    if (authority->polkit) {
        g_signal_handlers_disconnect_by_data(authority->polkit, authority);
        g_clear_object(&authority->polkit);
    }
    g_rc_box_release(authority);
}
