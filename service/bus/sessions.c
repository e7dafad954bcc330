/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/sessions.h"

#include "bus/admission.h"
#include "bus/audit.h"
#include "bus/session.h"

struct ScdSessions {
    GDBusConnection *bus;
    ScdAdmission admission;
    ScdWorkers *workers;
    const ScdConfig *config;
    ScdUserLimit *limit;
    GHashTable *by_number; /* guint64 → ScdSession */
    guint64 last_number;
    guint rules;                    /* how often they changed */
    void (*changed)(gpointer data); /* or NULL */
    gpointer changed_data;
    GPtrArray *rules_watches;
};

ScdSessions *
scd_sessions_new(GDBusConnection *bus, const ScdAdmission *admission, ScdWorkers *workers,
                 const ScdConfig *config)
{
    const ScdLimitRule per_user = {"sessions of one user", "SessionsPerUser",
                                   config->sessions_per_user};
    const ScdLimitRule in_all = {"sessions", "Sessions", config->sessions};
    ScdSessions *sessions = g_new0(ScdSessions, 1);
    sessions->bus = g_object_ref(bus);
    sessions->admission = *admission;
    sessions->workers = workers;
    sessions->config = config;
    sessions->limit = scd_user_limit_new(&per_user, &in_all);
    sessions->by_number = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    sessions->rules_watches = g_ptr_array_new();
    return sessions;
}

void
scd_sessions_free(ScdSessions *sessions)
{
    g_assert(g_hash_table_size(sessions->by_number) == 0);
    g_assert(sessions->rules_watches->len == 0);
    g_hash_table_unref(sessions->by_number);
    g_ptr_array_unref(sessions->rules_watches);
    scd_user_limit_free(sessions->limit);
    g_object_unref(sessions->bus);
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

void
scd_sessions_end_all(ScdSessions *sessions)
{
    g_autoptr(GList) all = g_hash_table_get_values(sessions->by_number);

    for (GList *session = all; session; session = session->next)
        scd_session_end(session->data, SCD_SESSION_CLOSED);
}

void
scd_sessions_recheck(ScdSessions *sessions)
{
    g_autoptr(GList) all = g_hash_table_get_values(sessions->by_number);

    sessions->rules++;
    for (GList *session = all; session; session = session->next)
        scd_session_recheck(session->data);
    /* From the end: one that is answered at once may go. */
    for (guint i = sessions->rules_watches->len; i-- > 0;) {
        ScdRulesWatch *watch = sessions->rules_watches->pdata[i];
        watch->changed(watch->data);
    }
}

void
scd_sessions_watch_rules(ScdSessions *sessions, ScdRulesWatch *watch)
{
    g_ptr_array_add(sessions->rules_watches, watch);
}

void
scd_sessions_unwatch_rules(ScdSessions *sessions, ScdRulesWatch *watch)
{
    g_ptr_array_remove_fast(sessions->rules_watches, watch);
}

guint
scd_sessions_rules(const ScdSessions *sessions)
{
    return sessions->rules;
}

GDBusConnection *
scd_sessions_bus(const ScdSessions *sessions)
{
    return sessions->bus;
}

const ScdAdmission *
scd_sessions_admission(const ScdSessions *sessions)
{
    return &sessions->admission;
}

ScdAudit *
scd_sessions_audit(const ScdSessions *sessions)
{
    return sessions->admission.audit;
}

ScdWorkers *
scd_sessions_workers(const ScdSessions *sessions)
{
    return sessions->workers;
}

const ScdConfig *
scd_sessions_config(const ScdSessions *sessions)
{
    return sessions->config;
}

ScdJobQueue *
scd_sessions_new_queue(ScdSessions *sessions, ScdClient *client, const char *reader,
                       ScdUserCharge *charge, GError **error)
{
    if (!scd_user_charge_take(charge, sessions->limit, scd_client_uid(client), error)) {
        scd_audit_client(sessions->admission.audit, SCD_AUDIT_LIMIT, client, NULL,
                         (*error)->message);
        return NULL;
    }
    ScdJobQueue *handle = scd_workers_new_queue(sessions->workers, reader, error);
    if (!handle)
        scd_user_charge_give_back(charge);
    return handle;
}

static void
tell_change(ScdSessions *sessions)
{
    if (sessions->changed)
        sessions->changed(sessions->changed_data);
}

guint64
scd_sessions_add(ScdSessions *sessions, ScdSession *session)
{
    guint64 *key = g_new(guint64, 1);
    *key = ++sessions->last_number;
    g_hash_table_insert(sessions->by_number, key, session);
    tell_change(sessions);
    return *key;
}

void
scd_sessions_remove(ScdSessions *sessions, guint64 number)
{
    g_hash_table_remove(sessions->by_number, &number);
    tell_change(sessions);
}

ScdSession *
scd_sessions_find(ScdSessions *sessions, guint64 number)
{
    return g_hash_table_lookup(sessions->by_number, &number);
}
