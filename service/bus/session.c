/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/session.h"

#include "base/words.h"
#include "bus/ended-sessions.h"
#include "bus/error.h"
#include "bus/quota.h"
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

struct ScdSessions {
    ScdSessionsParts parts;
    ScdUserLimit *limit;
    ScdSessionLimits *limits;
    GHashTable *by_number; /* guint64 → ScdSession */
    guint64 last_number;
    ScdEndedSessions *ended;
    void (*changed)(gpointer data); /* or NULL */
    gpointer changed_data;
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

ScdSessions *
scd_sessions_new(const ScdSessionsParts *parts)
{
    const ScdLimitRule per_user = {"sessions of one user", "SessionsPerUser",
                                   parts->config->sessions_per_user};
    const ScdLimitRule in_all = {"sessions", "Sessions", parts->config->sessions};
    ScdSessions *sessions = g_new0(ScdSessions, 1);

    sessions->parts = *parts;
    sessions->limit = scd_user_limit_new(&per_user, &in_all);
    sessions->limits = scd_session_limits_new(parts->workers, parts->config);
    scd_object_next_number(&sessions->last_number);
    sessions->ended = scd_ended_sessions_new();
    sessions->by_number = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return sessions;
}

void
scd_sessions_free(ScdSessions *sessions)
{
    g_assert(g_hash_table_size(sessions->by_number) == 0);
    g_hash_table_unref(sessions->by_number);
    scd_user_limit_free(sessions->limit);
    scd_session_limits_free(sessions->limits);
    scd_ended_sessions_free(sessions->ended);
    g_free(sessions);
}

void
scd_sessions_on_change(ScdSessions *sessions, void (*changed)(gpointer data), gpointer data)
{
    sessions->changed = changed;
    sessions->changed_data = data;
}

guint
scd_sessions_count(const ScdSessions *sessions)
{
    return g_hash_table_size(sessions->by_number);
}

ScdAuthorization *
scd_sessions_authorization(const ScdSessions *sessions)
{
    return sessions->parts.authorization;
}

ScdAudit *
scd_sessions_audit(const ScdSessions *sessions)
{
    return sessions->parts.audit;
}

ScdCallRegistry *
scd_sessions_registry(const ScdSessions *sessions)
{
    return sessions->parts.registry;
}

guint32
scd_sessions_wait_limit_ms(const ScdSessions *sessions)
{
    return sessions->parts.config->wait_limit_s * 1000;
}

ScdAccount *
scd_sessions_get_account(ScdSessions *sessions, const ScdClient *client)
{
    return scd_session_limits_get_account(sessions->limits, scd_client_uid(client));
}

ScdJobQueue *
scd_sessions_new_queue(ScdSessions *sessions, ScdClient *client, const char *reader,
                       ScdUserCharge *charge, GError **error)
{
    guint32 uid = scd_client_uid(client);
    g_autoptr(GError) problem = NULL;
    ScdJobQueue *queue = NULL;

    if (scd_user_charge_take(charge, sessions->limit, uid, 1, &problem))
        queue = scd_session_limits_new_queue(sessions->limits, uid, reader, &problem);
    if (queue)
        return queue;
    scd_user_charge_give_back(charge);
    scd_audit_client(sessions->parts.audit, SCD_AUDIT_LIMIT, client, NULL, problem->message);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

static void
announce_change(ScdSessions *sessions)
{
    if (sessions->changed)
        sessions->changed(sessions->changed_data);
}

static guint64
add_session(ScdSessions *sessions, ScdSession *session)
{
    guint64 *key = g_new(guint64, 1);

    *key = scd_object_next_number(&sessions->last_number);
    g_hash_table_insert(sessions->by_number, key, session);
    announce_change(sessions);
    return *key;
}

static void
remove_session(ScdSessions *sessions, const ScdSession *session, SessionEnd end)
{
    scd_ended_sessions_add(sessions->ended, session->number, scd_client_name(session->client),
                           ends[end].text);
    g_hash_table_remove(sessions->by_number, &session->number);
    announce_change(sessions);
}

ScdSessionKey
scd_session_key(const ScdSession *session)
{
    return (ScdSessionKey){session->sessions, session->number};
}

ScdSession *
scd_session_find(const ScdSessionKey *key)
{
    return g_hash_table_lookup(key->sessions->by_number, &key->number);
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

    remove_session(session->sessions, session, end);
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
    end_session(session, END_CLOSED, disconnect);
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
    g_autoptr(GList) all = g_hash_table_get_values(sessions->by_number);

    for (GList *session = all; session; session = session->next)
        end_session_without_close(session->data, END_SHUTDOWN);
}

#define PATH_PREFIX SCD_ROOT_PATH "/sessions/"

gboolean
scd_sessions_had(const ScdSessions *sessions, const char *path, const char *caller, GError **error)
{
    guint64 number = scd_object_number_of_path(path, PATH_PREFIX);

    if (number == 0 || number > sessions->last_number)
        return FALSE;
    const char *why = scd_ended_sessions_find(sessions->ended, number, caller);
    g_set_error(error, SCD_ERROR, SCD_E_INVALID_HANDLE, "The session %s is closed%s%s", path,
                why ? ": " : "", why ? why : "");
    return TRUE;
}

gboolean
scd_sessions_close(ScdSessions *sessions, const char *path, guint uid, GError **error)
{
    const ScdSessionKey key = {sessions, scd_object_number_of_path(path, PATH_PREFIX)};
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

    g_hash_table_iter_init(&iter, sessions->by_number);
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

    g_hash_table_iter_init(&iter, sessions->by_number);
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
        scd_audit_client(session->sessions->parts.audit, SCD_AUDIT_TAKEN, session->client,
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
    const ScdSessionsParts *parts = &session->sessions->parts;
    g_autofree char *path = g_strdup_printf(PATH_PREFIX "%" G_GUINT64_FORMAT, session->number);
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
    session->quota = scd_quota_new(sessions->parts.config, account);
    session->grants = take_grants(session, parts->grants);
    session->watch = (ScdReaderWatch){handle_reader_left, handle_card_left, session};
    scd_reader_watch(session->reader, &session->watch);
    session->leave = scd_client_on_leave(session->client, handle_owner_left, session);
    session->since = g_get_real_time();
    session->number = add_session(sessions, session);
    watch_card(session);
    scd_audit_client(sessions->parts.audit, SCD_AUDIT_OPENED, session->client, session->reader,
                     NULL);
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
