/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/session.h"

#include "base/words.h"
#include "bus/audit.h"
#include "bus/error.h"
#include "bus/session-private.h"
#include "pcsc/code.h"

static const char *const reasons[] = {
    [SCD_SESSION_CLOSED] = "closed",
    [SCD_SESSION_READER_REMOVED] = "reader-removed",
    [SCD_SESSION_SERVICE_UNAVAILABLE] = "service-unavailable",
    [SCD_SESSION_REVOKED] = "revoked",
    [SCD_SESSION_OWNER_LEFT] = NULL,
};

/* What becomes of the calls that wait. */
static const ScdErrorCode codes[] = {
    [SCD_SESSION_CLOSED] = SCD_E_CANCELLED,
    [SCD_SESSION_READER_REMOVED] = SCD_E_READER_UNAVAILABLE,
    [SCD_SESSION_SERVICE_UNAVAILABLE] = SCD_E_NO_SERVICE,
    [SCD_SESSION_REVOKED] = SCD_E_CANCELLED,
    [SCD_SESSION_OWNER_LEFT] = SCD_E_CANCELLED,
};

/* What being connected so needs. */
static ScdAction
action_of(ScdShareMode share_mode)
{
    return share_mode == SCD_SHARE_EXCLUSIVE ? SCD_ACTION_EXCLUSIVE : SCD_ACTION_CONNECT;
}

gboolean
scd_session_has_lost_card(const ScdSession *session)
{
    return session->atr && session->card_left;
}

void
scd_session_end_with(ScdSession *session, ScdSessionEnd why, ScdJob *disconnect)
{
    scd_sessions_remove(session->sessions, session->number);
    scd_grants_end(session->grants, scd_code_of_error(codes[why]));
    scd_job_timeouts_free(session->timeouts);
    scd_job_queue_close(session->handle, disconnect, scd_code_of_error(codes[why]));
    if (reasons[why] && !(session->quiet && why == SCD_SESSION_CLOSED))
        scd_object_emit(session->object, "Closed", g_variant_new("(s)", reasons[why]));
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

/* Once it is allowed. */
static void
granted(ScdJob *job, gpointer data)
{
    ScdSession *session = data;

    /* The card may have been swapped while the question was open. */
    if (job->kind == SCD_JOB_RECONNECT && scd_session_has_lost_card(session))
        scd_job_finish(job, scd_code_of_error(SCD_W_REMOVED_CARD));
    else
        scd_job_queue_submit(session->handle, job);
}

static void
reader_left(ScdSessionEnd why, gpointer data)
{
    scd_session_end(data, why);
}

static void
card_left(gpointer data)
{
    ScdSession *session = data;
    session->card_left = TRUE;
}

static void
owner_left(gpointer data)
{
    scd_session_end(data, SCD_SESSION_OWNER_LEFT);
}

static void
revoked(gpointer data)
{
    scd_session_end(data, SCD_SESSION_REVOKED);
}

typedef struct {
    ScdSessions *sessions;
    guint64 number;
} Which;

/* By the number: the session may have ended meanwhile. */
static gboolean
transaction_taken(gpointer data)
{
    const Which *which = data;
    const ScdSession *session = scd_sessions_find(which->sessions, which->number);

    if (session)
        scd_audit_client(scd_sessions_audit(which->sessions), SCD_AUDIT_TAKEN, session->client,
                         session->reader, NULL);
    return G_SOURCE_REMOVE;
}

static void
watch_transactions(ScdSession *session)
{
    Which *which = g_atomic_rc_box_new(Which);
    *which = (Which){session->sessions, session->number};
    scd_job_queue_on_transaction_taken(session->handle, transaction_taken, which);
}

static ScdGrants *
new_grants(ScdSession *session)
{
    const ScdGrantsOwner owner = {granted, revoked, session};

    return scd_grants_new(scd_sessions_admission(session->sessions), session->client,
                          session->reader, &owner);
}

ScdSession *
scd_session_new(ScdSessions *sessions, const ScdSessionParts *parts)
{
    ScdSession *session = g_new0(ScdSession, 1);
    g_autoptr(GError) error = NULL;

    session->sessions = sessions;
    session->reader = parts->reader;
    session->card_path = g_strdup(parts->card_path);
    session->atr = parts->atr ? g_bytes_ref(parts->atr) : NULL;
    session->quiet = parts->quiet;
    session->client = parts->client;
    session->handle = parts->handle;
    session->timeouts = scd_job_timeouts_new(session->handle);
    session->charge = parts->charge;
    session->quota = scd_quota_new(scd_sessions_config(sessions));
    session->grants = new_grants(session);
    if (parts->authenticated)
        scd_grants_set_authenticated(session->grants,
                                     action_of(scd_job_queue_share_mode(session->handle)));
    session->watch = (ScdReaderWatch){reader_left, card_left, session};
    scd_reader_watch(session->reader, &session->watch);
    session->leave = scd_client_on_leave(session->client, owner_left, session);
    session->number = scd_sessions_add(sessions, session);
    watch_transactions(session);
    scd_audit_client(scd_sessions_audit(sessions), SCD_AUDIT_OPENED, session->client,
                     session->reader, NULL);

    g_autofree char *path =
        g_strdup_printf(SCD_ROOT_PATH "/sessions/%" G_GUINT64_FORMAT, session->number);
    session->object = scd_object_new(scd_sessions_bus(sessions), path, &scd_session_methods,
                                     session, scd_client_name(session->client), &error);
    if (!session->object)
        g_error("A session's path was in use: %s", error->message);
    scd_object_set(session->object, "Reader",
                   g_variant_new_object_path(scd_reader_path(session->reader)));
    return session;
}

const char *
scd_session_path(const ScdSession *session)
{
    return scd_object_path(session->object);
}

/* The card is in a state that only the session knew: others get it without. */
static ScdJob *
new_resetting_disconnect(void)
{
    ScdJob *job = scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL);
    job->action = SCD_DISPOSITION_RESET;
    return job;
}

void
scd_session_end(ScdSession *session, ScdSessionEnd why)
{
    scd_session_end_with(session, why, new_resetting_disconnect());
}

void
scd_session_recheck(ScdSession *session)
{
    scd_grants_recheck(session->grants, action_of(scd_job_queue_share_mode(session->handle)));
}
