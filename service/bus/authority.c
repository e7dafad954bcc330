/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/authority.h"

#include <polkit/polkit.h>

#include "base/error.h"

/* dbus-daemon lets a connection have 128 calls open: enough for 16 such users. */
#define ASKED_PER_USER 8

/* Those that wait for their turn beside them. */
#define WAITING_PER_USER 256

/* A rule may run a program, for 10 seconds at most. */
#define ANSWER_LIMIT_S 60

struct ScdAuthority {
    ScdAuthorityChangedFunc changed;
    gpointer data;
    PolkitAuthority *polkit; /* NULL until it was needed and could be had */
    gboolean getting;        /* we are trying to have it */
    GHashTable *users;       /* uid → User, of those with questions; NULL after the end */
};

typedef struct {
    ScdAuthority *authority;
    guint uid;
    GQueue asked;   /* of Question, by its link */
    GQueue waiting; /* likewise */
} User;

/*
 * A question that waits is freed with its answer. One that polkit has been
 * asked keeps its place until polkit replies, even if it was answered before:
 * that is how long the bus counts it.
 */
typedef struct {
    User *user;
    GList link;
    gboolean asked;    /* in that queue, else in the other one */
    ScdClient *client; /* NULL once it is answered, like all that follows */
    guint leave;
    ScdAction action;
    PolkitDetails *details;
    GCancellable *dialog; /* takes the dialog away; NULL when there is to be none */
    gboolean at_dialog;   /* polkit opens it: without, it said that it would have to */
    GSource *given_up;    /* by whoever asked us; NULL when they cannot */
    guint time_out;
    ScdAuthorityFunc func;
    gpointer data;
} Question;

static void serve(User *user);

static void
answer(Question *question, ScdVerdict verdict, const GError *error)
{
    ScdAuthorityFunc func = g_steal_pointer(&question->func);
    gpointer data = question->data;

    scd_client_remove_leave(question->client, question->leave);
    g_clear_pointer(&question->client, scd_client_unref);
    g_clear_object(&question->details);
    g_clear_handle_id(&question->time_out, g_source_remove);
    if (question->given_up)
        g_source_destroy(question->given_up);
    g_clear_pointer(&question->given_up, g_source_unref);
    g_cancellable_cancel(question->dialog);
    g_clear_object(&question->dialog);
    if (!question->asked) {
        g_queue_unlink(&question->user->waiting, &question->link);
        serve(question->user);
        g_free(question);
    }
    func(verdict, error, data);
}

static void
cancel(Question *question, const char *why)
{
    g_autoptr(GError) error = g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, why);
    answer(question, SCD_VERDICT_NO, error);
}

static void
answer_without_polkit(Question *question, const char *why)
{
    g_autoptr(GError) error =
        g_error_new(SCD_ERROR, SCD_NOT_AUTHORIZED,
                    "polkit cannot be asked about %s, only root may do it until it can: %s",
                    scd_action_id(question->action), why);
    answer(question, SCD_VERDICT_NO, error);
}

static void
give_place_back(Question *question)
{
    User *user = g_steal_pointer(&question->user);

    g_queue_unlink(&user->asked, &question->link);
    serve(user);
}

static void put(Question *question);

static gboolean
needs_dialog(const Question *question, PolkitAuthorizationResult *result)
{
    return question->dialog && !question->at_dialog && result &&
           polkit_authorization_result_get_is_challenge(result);
}

/* The question keeps its place. */
static void
open_dialog(Question *question)
{
    question->at_dialog = TRUE;
    g_clear_handle_id(&question->time_out, g_source_remove);
    put(question);
}

static ScdVerdict
verdict_of(const Question *question, PolkitAuthorizationResult *result)
{
    if (polkit_authorization_result_get_is_challenge(result))
        return SCD_VERDICT_CHALLENGE;
    if (!polkit_authorization_result_get_is_authorized(result))
        return SCD_VERDICT_NO;
    /* At this dialog, or at one before that polkit still remembers. */
    if (question->at_dialog || polkit_authorization_result_get_temporary_authorization_id(result))
        return SCD_VERDICT_AUTHENTICATED;
    return SCD_VERDICT_YES;
}

static void
got_reply(GObject *source, GAsyncResult *async_result, gpointer data)
{
    g_autofree Question *question = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(PolkitAuthorizationResult) result =
        polkit_authority_check_authorization_finish(POLKIT_AUTHORITY(source), async_result, &error);

    if (needs_dialog(question, result)) {
        open_dialog(g_steal_pointer(&question));
        return;
    }
    if (question->user)
        give_place_back(question);
    if (!question->func)
        return;
    if (!result)
        answer_without_polkit(question, error->message);
    else
        answer(question, verdict_of(question, result), NULL);
}

static void
put(Question *question)
{
    g_autoptr(PolkitSubject) subject =
        polkit_system_bus_name_new(scd_client_name(question->client));

    polkit_authority_check_authorization(
        question->user->authority->polkit, subject, scd_action_id(question->action),
        question->details,
        question->at_dialog ? POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION
                            : POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE,
        question->dialog, got_reply, question);
}

static void
ask(Question *question)
{
    User *user = question->user;

    g_queue_unlink(&user->waiting, &question->link);
    g_queue_push_tail_link(&user->asked, &question->link);
    question->asked = TRUE;
    put(question);
}

/* Asks what there is room for. Without any question left the user is freed. */
static void
serve(User *user)
{
    while (user->authority->polkit && user->asked.length < ASKED_PER_USER && user->waiting.head)
        ask(user->waiting.head->data);
    if (!user->asked.head && !user->waiting.head)
        g_hash_table_remove(user->authority->users, GUINT_TO_POINTER(user->uid));
}

static User *
any_user(ScdAuthority *authority)
{
    GHashTableIter iter;
    gpointer user;

    g_hash_table_iter_init(&iter, authority->users);
    return g_hash_table_iter_next(&iter, NULL, &user) ? user : NULL;
}

static void
polkit_changed(ScdAuthority *authority)
{
    if (authority->changed)
        authority->changed(authority->data);
}

/* One that has just been started may have other rules than the last one. */
static void
polkit_owner_changed(ScdAuthority *authority)
{
    g_autofree char *owner = polkit_authority_get_owner(authority->polkit);

    if (owner)
        polkit_changed(authority);
}

/* Whoever waits is told no: the next question tries again. */
static void
cannot_have_polkit(ScdAuthority *authority, const char *why)
{
    User *user;

    while ((user = any_user(authority)))
        answer_without_polkit(user->waiting.head->data, why);
}

static void
have_polkit(ScdAuthority *authority, PolkitAuthority *polkit)
{
    GHashTableIter iter;
    gpointer user;

    authority->polkit = g_object_ref(polkit);
    g_signal_connect_swapped(polkit, "changed", G_CALLBACK(polkit_changed), authority);
    /* Newer ones tell that a session is in front no longer by a signal of its own. */
    if (g_signal_lookup("sessions-changed", POLKIT_TYPE_AUTHORITY))
        g_signal_connect_swapped(polkit, "sessions-changed", G_CALLBACK(polkit_changed), authority);
    g_signal_connect_swapped(polkit, "notify::owner", G_CALLBACK(polkit_owner_changed), authority);
    g_hash_table_iter_init(&iter, authority->users);
    while (g_hash_table_iter_next(&iter, NULL, &user))
        serve(user);
}

static void
got_polkit(GObject *source, GAsyncResult *result, gpointer data)
{
    ScdAuthority *authority = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(PolkitAuthority) polkit = polkit_authority_get_finish(result, &error);

    authority->getting = FALSE;
    if (authority->users && polkit)
        have_polkit(authority, polkit);
    else if (authority->users)
        cannot_have_polkit(authority, error->message);
    g_rc_box_release(authority);
}

/* polkit's library does this in a thread of its own. */
static void
get_polkit(ScdAuthority *authority)
{
    if (authority->polkit || authority->getting)
        return;
    authority->getting = TRUE;
    polkit_authority_get_async(NULL, got_polkit, g_rc_box_acquire(authority));
}

static User *
user_of(ScdAuthority *authority, guint uid)
{
    User *user = g_hash_table_lookup(authority->users, GUINT_TO_POINTER(uid));

    if (!user) {
        user = g_new0(User, 1);
        user->authority = authority;
        user->uid = uid;
        g_hash_table_insert(authority->users, GUINT_TO_POINTER(uid), user);
    }
    return user;
}

static PolkitDetails *
polkit_details(const ScdAuthorityDetails *details)
{
    PolkitDetails *pairs = polkit_details_new();

    polkit_details_insert(pairs, "reader", details->reader);
    polkit_details_insert(pairs, "usb-path", details->usb_path);
    polkit_details_insert(pairs, "alias", details->alias);
    polkit_details_insert(pairs, "atr", details->atr);
    return pairs;
}

static void
client_left(gpointer data)
{
    cancel(data, "The client has left");
}

static gboolean
given_up(GCancellable *cancellable, gpointer data)
{
    cancel(data, "Nobody waits for the answer any more");
    return G_SOURCE_REMOVE;
}

static gboolean
no_answer(gpointer data)
{
    answer_without_polkit(data, "it does not answer");
    return G_SOURCE_CONTINUE; /* it has been removed */
}

/* What ends a question before polkit does. */
static void
watch(Question *question, GCancellable *cancellable)
{
    question->leave = scd_client_on_leave(question->client, client_left, question);
    question->time_out = g_timeout_add_seconds(ANSWER_LIMIT_S, no_answer, question);
    if (cancellable) {
        question->given_up = g_cancellable_source_new(cancellable);
        g_source_set_callback(question->given_up, G_SOURCE_FUNC(given_up), question, NULL);
        g_source_attach(question->given_up, NULL);
    }
}

/* TRUE when there was nothing to ask polkit about. */
static gboolean
answer_at_once(ScdAuthority *authority, ScdClient *client, ScdAuthorityFunc func, gpointer data)
{
    g_autoptr(GError) error = NULL;
    const User *user =
        g_hash_table_lookup(authority->users, GUINT_TO_POINTER(scd_client_uid(client)));

    if (scd_client_is_gone(client))
        error = g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The client has left");
    else if (user && user->waiting.length == WAITING_PER_USER)
        error = g_error_new(SCD_ERROR, SCD_LIMIT_EXCEEDED,
                            "User %u waits for %d answers of polkit: wait for one of them",
                            user->uid, ASKED_PER_USER + WAITING_PER_USER);
    else if (scd_client_uid(client) != 0)
        return FALSE;
    func(error ? SCD_VERDICT_NO : SCD_VERDICT_YES, error, data);
    return TRUE;
}

void
scd_authority_check(ScdAuthority *authority, ScdClient *client, ScdAction action,
                    const ScdAuthorityDetails *details, gboolean interactive,
                    GCancellable *cancellable, ScdAuthorityFunc func, gpointer data)
{
    if (answer_at_once(authority, client, func, data))
        return;

    User *user = user_of(authority, scd_client_uid(client));
    Question *question = g_new0(Question, 1);
    question->user = user;
    question->link.data = question;
    question->client = scd_client_ref(client);
    question->action = action;
    question->details = polkit_details(details);
    question->dialog = interactive ? g_cancellable_new() : NULL;
    question->func = func;
    question->data = data;
    watch(question, cancellable);
    g_queue_push_tail_link(&user->waiting, &question->link);
    get_polkit(authority);
    serve(user);
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
    User *user;

    while ((user = any_user(authority))) {
        Question *question = (user->waiting.head ? user->waiting.head : user->asked.head)->data;
        if (question->func)
            cancel(question, "The service is shutting down");
        else
            give_place_back(question);
    }
    g_hash_table_unref(g_steal_pointer(&authority->users));
    if (authority->polkit) {
        g_signal_handlers_disconnect_by_data(authority->polkit, authority);
        g_clear_object(&authority->polkit);
    }
    g_rc_box_release(authority);
}
