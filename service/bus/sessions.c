/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/sessions.h"

#include "bus/error.h"

/* The number of the latest ended sessions whose reasons are known. */
#define ENDED_MAX 256

typedef struct {
    guint64 number; /* 0: none */
    const char *reason;
    char *owner;
} EndedSession;

struct ScdSessions {
    ScdSessionsParts parts;
    ScdUserLimit *limit;
    ScdUserLimit *queues; /* that have not been freed: see QueueCharges */
    ScdUserLimit *memory;
    GHashTable *by_number; /* guint64 → ScdSession */
    guint64 last_number;
    EndedSession ended[ENDED_MAX];  /* a ring */
    guint n_ended;                  /* all that there ever were */
    void (*changed)(gpointer data); /* or NULL */
    gpointer changed_data;
};

/* As many that are being closed as there may be open ones. */
static ScdUserLimit *
new_queue_limit(const ScdConfig *config)
{
    const ScdLimitRule per_user = {"sessions of one user that are open or being closed",
                                   "twice SessionsPerUser", 2 * (gsize)config->sessions_per_user};
    const ScdLimitRule in_all = {"sessions that are open or being closed", "twice Sessions",
                                 2 * (gsize)config->sessions};

    return scd_user_limit_new(&per_user, &in_all);
}

static ScdUserLimit *
new_memory_limit(const ScdConfig *config)
{
    const ScdLimitRule per_user = {"bytes of memory of one user", "MemoryPerUser",
                                   config->memory_per_user};
    const ScdLimitRule in_all = {"bytes of memory", "Memory", config->memory};

    return scd_user_limit_new(&per_user, &in_all);
}

ScdSessions *
scd_sessions_new(const ScdSessionsParts *parts)
{
    const ScdLimitRule per_user = {"sessions of one user", "SessionsPerUser",
                                   parts->config->sessions_per_user};
    const ScdLimitRule in_all = {"sessions", "Sessions", parts->config->sessions};
    ScdSessions *sessions = g_new0(ScdSessions, 1);

    sessions->parts = *parts;
    sessions->limit = scd_user_limit_new(&per_user, &in_all);
    sessions->queues = new_queue_limit(parts->config);
    sessions->memory = new_memory_limit(parts->config);
    scd_object_next_number(&sessions->last_number);
    sessions->by_number = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return sessions;
}

void
scd_sessions_free(ScdSessions *sessions)
{
    g_assert(g_hash_table_size(sessions->by_number) == 0);
    g_hash_table_unref(sessions->by_number);
    scd_user_limit_free(sessions->limit);
    scd_user_limit_free(sessions->queues);
    scd_user_limit_release(sessions->memory); /* GDBus may still be sending responses */
    for (guint i = 0; i < ENDED_MAX; i++)
        g_free(sessions->ended[i].owner);
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

const ScdSessionsParts *
scd_sessions_parts(const ScdSessions *sessions)
{
    return &sessions->parts;
}

GHashTable *
scd_sessions_table(const ScdSessions *sessions)
{
    return sessions->by_number;
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
    return scd_user_limit_get_account(sessions->memory, scd_client_uid(client));
}

/*
 * A session that ends may leave its queue behind: the worker may be inside libpcsclite for long.
 * The queue has these charges until the worker has freed it.
 */
typedef struct {
    ScdUserCharge number;
    ScdUserCharge memory;
} QueueCharges;

static void
free_queue_charges(gpointer data)
{
    QueueCharges *charges = data;

    scd_user_charge_give_back(&charges->number);
    scd_user_charge_give_back(&charges->memory);
    g_free(charges);
}

static ScdJobQueue *
new_charged_queue(ScdSessions *sessions, guint32 uid, const char *reader, GError **error)
{
    QueueCharges *charges = g_new0(QueueCharges, 1);
    ScdJobQueue *queue = NULL;

    if (scd_user_charge_take(&charges->number, sessions->queues, uid, 1, error) &&
        scd_user_charge_take(&charges->memory, sessions->memory, uid, SCD_SESSION_COST, error))
        queue = scd_workers_new_queue(sessions->parts.workers, reader, uid, free_queue_charges,
                                      charges, error);
    if (!queue)
        free_queue_charges(charges);
    return queue;
}

ScdJobQueue *
scd_sessions_new_queue(ScdSessions *sessions, ScdClient *client, const char *reader,
                       ScdUserCharge *charge, GError **error)
{
    guint32 uid = scd_client_uid(client);
    g_autoptr(GError) problem = NULL;
    ScdJobQueue *queue = NULL;

    if (scd_user_charge_take(charge, sessions->limit, uid, 1, &problem))
        queue = new_charged_queue(sessions, uid, reader, &problem);
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

guint64
scd_sessions_add(ScdSessions *sessions, ScdSession *session)
{
    guint64 *key = g_new(guint64, 1);

    *key = scd_object_next_number(&sessions->last_number);
    g_hash_table_insert(sessions->by_number, key, session);
    announce_change(sessions);
    return *key;
}

static void
remember_end(ScdSessions *sessions, guint64 number, const char *owner, const char *reason)
{
    EndedSession *session = &sessions->ended[sessions->n_ended++ % ENDED_MAX];

    g_free(session->owner);
    *session = (EndedSession){number, reason, g_strdup(owner)};
}

void
scd_sessions_remove(ScdSessions *sessions, guint64 number, const char *owner, const char *reason)
{
    remember_end(sessions, number, owner, reason);
    g_hash_table_remove(sessions->by_number, &number);
    announce_change(sessions);
}

ScdSession *
scd_session_find(const ScdSessionKey *key)
{
    return g_hash_table_lookup(key->sessions->by_number, &key->number);
}

/* Returns why the session of the owner ended; NULL if it is not known. */
static const char *
find_end(const ScdSessions *sessions, guint64 number, const char *owner)
{
    for (guint i = 0; i < ENDED_MAX; i++) {
        const EndedSession *session = &sessions->ended[i];
        if (session->number == number && g_strcmp0(session->owner, owner) == 0)
            return session->reason;
    }
    return NULL;
}

gboolean
scd_sessions_had(const ScdSessions *sessions, const char *path, const char *caller, GError **error)
{
    guint64 number = scd_object_number_of_path(path, SCD_SESSIONS_PATH);

    if (number == 0 || number > sessions->last_number)
        return FALSE;
    const char *why = find_end(sessions, number, caller);
    g_set_error(error, SCD_ERROR, SCD_E_INVALID_HANDLE, "The session %s is closed%s%s", path,
                why ? ": " : "", why ? why : "");
    return TRUE;
}
