/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/session-calls.h"

#include "pcsc/code.h"

/* Finds the session by its number: it may have ended by then. */
typedef struct {
    ScdSessions *sessions;
    guint64 number;
} CallSession;

static CallSession
get_number(const ScdSession *session)
{
    return (CallSession){scd_session_sessions(session), scd_session_number(session)};
}

/* Returns NULL if the session has ended. */
static ScdSession *
find_session(const CallSession *number)
{
    return scd_sessions_find(number->sessions, number->number);
}

typedef struct {
    CallSession session;
    ScdJob *job;
} JobCancellation;

static void
cancel_job(gpointer data)
{
    const JobCancellation *cancellation = data;
    ScdSession *session = find_session(&cancellation->session);
    guint32 code = scd_code_of_error(SCD_E_CANCELLED);

    if (session && !scd_grants_cancel(scd_session_grants(session), cancellation->job, code))
        scd_job_queue_cancel(scd_session_queue(session), cancellation->job, code);
}

static void
free_cancellation(gpointer data)
{
    JobCancellation *cancellation = data;

    scd_job_unref(cancellation->job);
    g_free(cancellation);
}

/* The last job of a session is carried out all the same. */
static void
cancel_last_job(gpointer data)
{
    const JobCancellation *cancellation = data;

    if (scd_job_claim(cancellation->job, scd_code_of_error(SCD_E_CANCELLED)))
        scd_job_deliver(cancellation->job);
}

/* FALSE: the error has been sent to the caller, and the job was released. */
static gboolean
register_job(ScdSession *session, ScdJob *job, const ScdCallOptions *options, ScdCancelFunc cancel)
{
    g_autoptr(GError) error = NULL;

    if (!options->call_id)
        return TRUE;
    JobCancellation *cancellation = g_new(JobCancellation, 1);
    *cancellation = (JobCancellation){get_number(session), scd_job_ref(job)};
    if (scd_job_call_register(job, scd_sessions_registry(scd_session_sessions(session)),
                              options->call_id, cancel, cancellation, free_cancellation, &error))
        return TRUE;
    scd_job_call_refuse(job, error);
    return FALSE;
}

/* When a call without "timeout-ms" that comes now has waited for long enough. */
static gint64
get_wait_limit(const ScdSession *session)
{
    guint32 wait_ms = scd_sessions_wait_limit_ms(scd_session_sessions(session));

    return g_get_monotonic_time() + (gint64)wait_ms * G_TIME_SPAN_MILLISECOND;
}

gboolean
scd_session_call_id_is_free(const ScdSession *session, const ScdCallOptions *options,
                            GError **error)
{
    g_autoptr(ScdRegisteredCall) call = NULL;

    if (!options->call_id)
        return TRUE;
    call = scd_call_registry_add(scd_sessions_registry(scd_session_sessions(session)),
                                 scd_client_name(scd_session_client(session)), options->call_id,
                                 NULL, NULL, NULL, error);
    return call != NULL;
}

static gboolean
prepare_job(ScdSession *session, ScdJob *job, const ScdCallOptions *options)
{
    if (!scd_job_call_charge(job, scd_session_quota(session)) ||
        !register_job(session, job, options, cancel_job))
        return FALSE;
    scd_job_call_limit(job, options, get_wait_limit(session));
    return TRUE;
}

void
scd_session_submit(ScdSession *session, ScdJob *job, const ScdCallOptions *options)
{
    if (prepare_job(session, job, options))
        scd_job_queue_submit(scd_session_queue(session), job);
}

void
scd_session_submit_if_authorized(ScdSession *session, GDBusMethodInvocation *invocation,
                                 ScdJob *job, const ScdCallOptions *options)
{
    if (!prepare_job(session, job, options))
        return;
    /* A job that must not wait for others waits for the user, like a call without a limit. */
    gint64 until =
        job->wait_until == SCD_JOB_NO_WAIT ? get_wait_limit(session) : scd_job_limit(job);
    scd_grants_request(scd_session_grants(session), invocation, job, until);
}

void
scd_session_submit_close(ScdSession *session, ScdJob *job, const ScdCallOptions *options)
{
    if (!register_job(session, job, options, cancel_last_job))
        return;
    scd_job_call_limit(job, options, get_wait_limit(session));
    scd_session_close(session, job);
}

/* Before the reply: the session is now connected to the card that is in the reader. */
static void
handle_reconnected(guint32 code, gpointer data)
{
    ScdSession *session = find_session(data);

    if (session && code == 0)
        scd_session_set_reconnected(session);
}

void
scd_session_submit_reconnect(ScdSession *session, GDBusMethodInvocation *invocation, ScdJob *job,
                             const ScdCallOptions *options)
{
    CallSession *number = g_new(CallSession, 1);

    *number = get_number(session);
    scd_job_call_on_end(job, handle_reconnected, number, g_free);
    scd_session_submit_if_authorized(session, invocation, job, options);
}
