/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/session.h"

#include "base/words.h"
#include "bus/bus-stream.h"
#include "bus/error.h"
#include "pcsc/code.h"

typedef enum {
    END_CLOSED,
    END_READER_REMOVED,
    END_SERVICE_UNAVAILABLE,
    END_REVOKED,
    END_OWNER_LEFT,
    END_CLOSED_BY_USER, /* by CloseSession() */
    END_SHUTDOWN,
} SessionEnd;

static const struct {
    const char *reason; /* the argument of the signal Closed; NULL: no signal */
    ScdErrorCode code;  /* the error for calls that are not answered yet */
    const char *text;   /* for those that come later */
} ends[] = {
    [END_CLOSED] = {"closed", SCD_E_CANCELLED, "Close was called"},
    [END_READER_REMOVED] = {"reader-removed", SCD_E_READER_UNAVAILABLE, "the reader was removed"},
    [END_SERVICE_UNAVAILABLE] = {"service-unavailable", SCD_E_NO_SERVICE, "pcscd has stopped"},
    [END_REVOKED] = {"revoked", SCD_E_CANCELLED, "polkit does not authorize it any more"},
    [END_OWNER_LEFT] = {NULL, SCD_E_CANCELLED, "its owner has left the bus"},
    [END_CLOSED_BY_USER] = {"closed-by-user", SCD_E_CANCELLED, "CloseSession was called"},
    [END_SHUTDOWN] = {"shutdown", SCD_P_SHUTDOWN, "the service is stopping"},
};

struct ScdSession {
    ScdSessions *sessions;
    guint64 number;
    ScdReader *reader;
    ScdReaderWatch watch;
    char *card_path;
    GBytes *atr; /* of the only card that the session is for; NULL: any card */
    gboolean card_left;
    guint32 share_mode; /* as counted at the reader: 0 after the end */
    gboolean quiet;
    ScdClient *client; /* the owner */
    guint leave;
    ScdJobQueue *queue;
    ScdUserCharge charge;
    ScdQuota *quota;
    ScdObject *object;
    ScdGrants *grants;
    gint64 since; /* real time, microseconds */
};

ScdSessionKey
scd_session_key(const ScdSession *session)
{
    return (ScdSessionKey){session->sessions, session->number};
}

static void
count_at_reader(ScdSession *session, guint32 share_mode)
{
    guint32 before = session->share_mode;

    session->share_mode = share_mode;
    scd_reader_count_session(session->reader, before, share_mode);
}

/* Frees the session. disconnect: the last job, with the disposition of the card. */
static void
end_session(ScdSession *session, SessionEnd end, ScdJob *disconnect)
{
    const char *reason = ends[end].reason;
    guint32 code = scd_code_of_error(ends[end].code);

    scd_sessions_remove(session->sessions, session->number, scd_client_name(session->client),
                        ends[end].text);
    scd_grants_end(session->grants, code);
    scd_job_queue_close(session->queue, disconnect, code);
    scd_object_withdraw(session->object);
    if (reason && !(session->quiet && end == END_CLOSED))
        scd_object_emit(session->object, "Closed", g_variant_new("(s)", reason));
    count_at_reader(session, 0);
    scd_reader_unwatch(session->reader, &session->watch);
    scd_client_remove_leave(session->client, session->leave);
    scd_client_unref(session->client);
    scd_object_free(session->object);
    scd_user_charge_give_back(&session->charge);
    scd_quota_unref(session->quota);
    g_clear_pointer(&session->atr, g_bytes_unref);
    g_free(session->card_path);
    g_free(session);
}

void
scd_session_close(ScdSession *session, ScdJob *disconnect)
{
    GDBusConnection *bus = scd_sessions_parts(session->sessions)->bus;

    scd_bus_hold(bus);
    end_session(session, END_CLOSED, disconnect);
    scd_bus_release_soon(bus);
}

/* The card may be in a state, such as a verified PIN, that must not be left behind. */
static void
end_session_without_close(ScdSession *session, SessionEnd end)
{
    ScdJob *disconnect = scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL);

    disconnect->action = SCD_JOB_DISPOSITION_OWNER_LEFT;
    end_session(session, end, disconnect);
}

void
scd_sessions_end_all(ScdSessions *sessions)
{
    g_autoptr(GList) all = g_hash_table_get_values(scd_sessions_table(sessions));

    for (GList *session = all; session; session = session->next)
        end_session_without_close(session->data, END_SHUTDOWN);
}

gboolean
scd_sessions_close(ScdSessions *sessions, const char *path, guint uid, GError **error)
{
    const ScdSessionKey key = {sessions, scd_object_number_of_path(path, SCD_SESSIONS_PATH)};
    ScdSession *session = scd_session_find(&key);

    if (!session) {
        if (!scd_sessions_had(sessions, path, NULL, error))
            g_set_error_literal(error, SCD_ERROR, SCD_UNKNOWN_OBJECT, "There is no such session");
        return FALSE;
    }
    if (uid != 0 && uid != scd_client_uid(session->client)) {
        g_set_error_literal(error, SCD_ERROR, SCD_NOT_OWNER, "The session belongs to another user");
        return FALSE;
    }
    end_session_without_close(session, END_CLOSED_BY_USER);
    return TRUE;
}

/* An a{sv}. */
static GVariant *
describe_session(const ScdSession *session)
{
    g_auto(GVariantBuilder) keys = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    const char *mode = scd_share_mode_to_word(scd_job_queue_share_mode(session->queue));
    gboolean in_transaction = scd_job_queue_in_transaction(session->queue);
    const char *reader = scd_reader_path(session->reader);
    guint pid = scd_client_pid(session->client), uid = scd_client_uid(session->client);
    const char *unit = scd_client_unit(session->client);

    g_variant_builder_add(&keys, "{sv}", "session", g_variant_new("o", scd_session_path(session)));
    g_variant_builder_add(&keys, "{sv}", "reader", g_variant_new("o", reader));
    g_variant_builder_add(&keys, "{sv}", "uid", g_variant_new("u", uid));
    if (pid)
        g_variant_builder_add(&keys, "{sv}", "pid", g_variant_new("u", pid));
    if (unit)
        g_variant_builder_add(&keys, "{sv}", "unit", g_variant_new("s", unit));
    g_variant_builder_add(&keys, "{sv}", "share-mode", g_variant_new("s", mode));
    g_variant_builder_add(&keys, "{sv}", "in-transaction", g_variant_new("b", in_transaction));
    g_variant_builder_add(&keys, "{sv}", "since", g_variant_new("t", session->since));
    return g_variant_builder_end(&keys);
}

GVariant *
scd_sessions_list(ScdSessions *sessions, guint uid)
{
    g_auto(GVariantBuilder) list = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aa{sv}"));
    GHashTableIter iter;
    gpointer session;

    g_hash_table_iter_init(&iter, scd_sessions_table(sessions));
    while (g_hash_table_iter_next(&iter, NULL, &session))
        if (uid == 0 || scd_client_uid(((ScdSession *)session)->client) == uid)
            g_variant_builder_add_value(&list, describe_session(session));
    return g_variant_builder_end(&list);
}

/* The session in a transaction, or with exclusive use; else any other one. */
static const ScdSession *
find_holder(ScdSessions *sessions, const char *reader, guint64 except)
{
    const ScdSession *found = NULL;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, scd_sessions_table(sessions));
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const ScdSession *session = value;
        if (session->number == except || !g_str_equal(scd_reader_name(session->reader), reader))
            continue;
        if (scd_job_queue_in_transaction(session->queue) ||
            scd_job_queue_share_mode(session->queue) == SCD_SHARE_EXCLUSIVE)
            return session;
        found = session;
    }
    return found;
}

static char *
describe_holder(gpointer data, const char *reader, guint uid, guint64 except)
{
    const ScdSession *holder = find_holder(data, reader, except);

    if (!holder || (uid != 0 && uid != scd_client_uid(holder->client)))
        return NULL;
    guint pid = scd_client_pid(holder->client);
    const char *unit = scd_client_unit(holder->client);
    g_autofree char *process =
        pid == 0 ? g_strdup("a process") : g_strdup_printf("process %u", pid);
    return g_strdup_printf(" (%s of user %u%s%s has session %s)", process,
                           scd_client_uid(holder->client), unit ? ", " : "", unit ? unit : "",
                           scd_session_path(holder));
}

ScdHolderQuery
scd_sessions_holder_query(ScdSessions *sessions, const ScdClient *client, guint64 except)
{
    return (ScdHolderQuery){describe_holder, sessions, scd_client_uid(client), except};
}

static void
handle_reader_left(ScdErrorCode why, gpointer data)
{
    end_session_without_close(data, why == SCD_E_NO_SERVICE ? END_SERVICE_UNAVAILABLE
                                                            : END_READER_REMOVED);
}

static void
handle_card_left(gpointer data)
{
    ScdSession *session = data;
    session->card_left = TRUE;
    scd_job_queue_set_card_lost(session->queue, session->atr != NULL);
}

static void
handle_owner_left(gpointer data)
{
    end_session_without_close(data, END_OWNER_LEFT);
}

static void
handle_revoked(gpointer data)
{
    end_session_without_close(data, END_REVOKED);
}

static void
handle_granted(ScdJob *job, gpointer data)
{
    ScdSession *session = data;

    /* The card may have been replaced during the authorization check. */
    if (job->kind == SCD_JOB_RECONNECT && scd_session_has_lost_card(session))
        scd_job_finish(job, scd_code_of_error(SCD_W_REMOVED_CARD));
    else
        scd_job_queue_submit(session->queue, job);
}

static ScdAction
get_required_action(gpointer data)
{
    ScdSession *session = data;
    return scd_action_for_share_mode(scd_job_queue_share_mode(session->queue));
}

static ScdGrants *
take_grants(ScdSession *session, ScdGrants *grants)
{
    const ScdGrantsOwner owner = {.get_required = get_required_action,
                                  .granted = handle_granted,
                                  .revoked = handle_revoked,
                                  .data = session};

    scd_grants_set_owner(grants, &owner);
    return grants;
}

static gboolean
handle_transaction_taken(gpointer data)
{
    const ScdSession *session = scd_session_find(data);

    if (session)
        scd_audit_client(scd_sessions_audit(session->sessions), SCD_AUDIT_TAKEN, session->client,
                         session->reader, NULL);
    return G_SOURCE_REMOVE;
}

static gboolean
handle_undone(gpointer data)
{
    ScdSession *session = scd_session_find(data);

    if (session)
        scd_session_set_reconnected(session, FALSE);
    return G_SOURCE_REMOVE;
}

static gboolean
handle_card_reset(gpointer data)
{
    const ScdSession *session = scd_session_find(data);

    if (session)
        scd_object_emit(session->object, "CardReset", NULL);
    return G_SOURCE_REMOVE;
}

static void
watch_card(ScdSession *session)
{
    const ScdJobQueueEvents events = {handle_transaction_taken, handle_undone, handle_card_reset};
    ScdSessionKey *key = g_atomic_rc_box_new(ScdSessionKey);

    *key = scd_session_key(session);
    scd_job_queue_on_events(session->queue, &events, key);
}

static ScdObject *
new_session_object(ScdSession *session)
{
    const ScdSessionsParts *parts = scd_sessions_parts(session->sessions);
    g_autofree char *path =
        g_strdup_printf(SCD_SESSIONS_PATH "%" G_GUINT64_FORMAT, session->number);
    g_autoptr(GError) error = NULL;
    ScdObject *object = scd_object_new(parts->bus, path, parts->interface, session,
                                       scd_client_name(session->client), &error);

    if (!object)
        g_error("A session's path was in use: %s", error->message);
    scd_object_set(object, "Reader", g_variant_new_object_path(scd_reader_path(session->reader)));
    return object;
}

ScdSession *
scd_session_new(ScdSessions *sessions, const ScdSessionParts *parts)
{
    ScdSession *session = g_new0(ScdSession, 1);
    g_autoptr(ScdAccount) account = scd_sessions_get_account(sessions, parts->client);

    session->sessions = sessions;
    session->reader = parts->reader;
    session->card_path = g_strdup(parts->card_path);
    session->atr = parts->atr ? g_bytes_ref(parts->atr) : NULL;
    session->quiet = parts->quiet;
    session->client = parts->client;
    session->queue = parts->queue;
    session->charge = parts->charge;
    session->quota = scd_quota_new(scd_sessions_parts(sessions)->config, account);
    session->grants = take_grants(session, parts->grants);
    session->watch = (ScdReaderWatch){handle_reader_left, handle_card_left, session};
    scd_reader_watch(session->reader, &session->watch);
    session->leave = scd_client_on_leave(session->client, handle_owner_left, session);
    session->since = g_get_real_time();
    session->number = scd_sessions_add(sessions, session);
    watch_card(session);
    scd_audit_client(scd_sessions_audit(sessions), SCD_AUDIT_OPENED, session->client,
                     session->reader, NULL);
    session->object = new_session_object(session);
    count_at_reader(session, scd_job_queue_share_mode(session->queue));
    return session;
}

const char *
scd_session_path(const ScdSession *session)
{
    return scd_object_path(session->object);
}

const ScdReader *
scd_session_reader(const ScdSession *session)
{
    return session->reader;
}

ScdJobQueue *
scd_session_queue(const ScdSession *session)
{
    return session->queue;
}

void
scd_session_emit(const ScdSession *session, const char *signal, GVariant *arguments)
{
    scd_object_emit(session->object, signal, arguments);
}

gboolean
scd_session_has_lost_card(const ScdSession *session)
{
    return session->atr && session->card_left;
}

ScdSessions *
scd_session_sessions(const ScdSession *session)
{
    return session->sessions;
}

guint64
scd_session_number(const ScdSession *session)
{
    return session->number;
}

ScdGrants *
scd_session_grants(const ScdSession *session)
{
    return session->grants;
}

ScdQuota *
scd_session_quota(const ScdSession *session)
{
    return session->quota;
}

const ScdClient *
scd_session_client(const ScdSession *session)
{
    return session->client;
}

void
scd_session_set_reconnected(ScdSession *session, gboolean to_card)
{
    const ScdCard *card = scd_reader_card(session->reader);
    guint share_mode = scd_job_queue_share_mode(session->queue);

    if (to_card) {
        g_free(session->card_path);
        session->card_path = g_strdup(card ? scd_card_path(card) : "/");
    }
    count_at_reader(session, share_mode);
    if (share_mode == SCD_SHARE_EXCLUSIVE && !scd_grants_has(session->grants, SCD_ACTION_EXCLUSIVE))
        scd_grants_recheck(session->grants);
}

void
scd_session_refresh_properties(gpointer data)
{
    ScdSession *session = data;
    ScdObject *object = session->object;
    ScdJobQueue *queue = session->queue;

    scd_object_set(object, "Card", g_variant_new_object_path(session->card_path));
    scd_object_set(object, "ShareMode",
                   g_variant_new_string(scd_share_mode_to_word(scd_job_queue_share_mode(queue))));
    scd_object_set(object, "Protocol",
                   g_variant_new_string(scd_protocol_to_word(scd_job_queue_protocol(queue))));
    scd_object_set(object, "InTransaction",
                   g_variant_new_boolean(scd_job_queue_in_transaction(queue)));
}
