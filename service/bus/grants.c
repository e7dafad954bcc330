/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/grants.h"

#include "base/error.h"
#include "base/feature.h"
#include "bus/job-call.h"
#include "pcsc/code.h"
#include "pcsc/main-thread.h"

/* After a check that has failed without a verdict, unless polkit returns earlier. */
#define RETRY_S 5

struct ScdGrants {
    grefcount references; /* one for the owner, one for each pending check */
    gboolean ended;
    ScdAuthorization *authorization; /* not used after the end */
    ScdClient *client;
    ScdReader *reader;
    ScdReaderDetailsWatch watch;
    ScdRecheck recheck;
    ScdJobQueue *queue;
    ScdGrantsOwner owner;
    GCancellable *checks;        /* of the required action */
    GQueue waiting;              /* of GrantCheck with a job, by its link */
    guint allowed;               /* bits by ScdAction: granted since rules or subject changed */
    guint authenticated;         /* bits by ScdAction: for which the user has authenticated */
    GVariant *granted;           /* the authorized one: scd_subject_new(); NULL for root */
    GVariant *authenticated_for; /* the details for which the user has authenticated; or NULL */

    /* Rechecks of the required action: one at a time. */
    gboolean checking; /* from the wait for the probe to the verdict */
    GVariant *asked;   /* the subject that polkit is asked about; NULL during that wait */
    gboolean dirty;    /* to be asked again after that one */
    gboolean held;     /* the queue is held */
    guint retry;       /* timer, after a failure of ours */
    ScdProbeWait probe;
};

typedef struct {
    ScdGrants *grants;
    GList link;
    ScdAction action;
    ScdJob *job;               /* NULL for a recheck of the required action, and when it ended */
    GCancellable *cancellable; /* of the job's check; NULL for a recheck */
    guint timer;               /* the job's time limit */
    GDBusMethodInvocation *invocation; /* of the job; NULL for a recheck, and when it ended */

    ScdJob *query; /* for the features of the driver; a reference, NULL if there is none */
    /* The answer to it, on its way to the main thread. */
    guint32 query_code;
    GBytes *features;
} GrantCheck;

static void
unref_grants(ScdGrants *grants)
{
    if (!g_ref_count_dec(&grants->references))
        return;
    g_object_unref(grants->checks);
    g_clear_pointer(&grants->granted, g_variant_unref);
    g_clear_pointer(&grants->authenticated_for, g_variant_unref);
    g_clear_pointer(&grants->asked, g_variant_unref);
    g_free(grants);
}

static GrantCheck *
new_grant_check(ScdGrants *grants, ScdAction action, ScdJob *job)
{
    GrantCheck *check = g_new0(GrantCheck, 1);

    g_ref_count_inc(&grants->references);
    check->grants = grants;
    check->link.data = check;
    check->action = action;
    check->job = job;
    return check;
}

static void
free_grant_check(GrantCheck *check)
{
    g_clear_handle_id(&check->timer, g_source_remove);
    g_clear_object(&check->cancellable);
    g_clear_object(&check->invocation);
    g_clear_pointer(&check->query, scd_job_unref);
    g_clear_pointer(&check->features, g_bytes_unref);
    unref_grants(check->grants);
    g_free(check);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GrantCheck, free_grant_check)

/* Root needs no grant. */
static gboolean
is_exempt(const ScdGrants *grants)
{
    return scd_client_uid(grants->client) == 0;
}

static void
release_queue(ScdGrants *grants)
{
    g_autoptr(GBytes) atr = scd_reader_dup_atr(grants->reader);

    grants->held = FALSE;
    scd_job_queue_set_held(grants->queue, FALSE, is_exempt(grants) ? NULL : atr);
}

static void
hold_queue(ScdGrants *grants)
{
    if (!grants->held)
        scd_job_queue_set_held(grants->queue, TRUE, NULL);
    grants->held = TRUE;
}

static void
settle_grants(ScdGrants *grants)
{
    g_clear_handle_id(&grants->retry, g_source_remove);
    release_queue(grants);
    if (grants->owner.settled)
        grants->owner.settled(grants->owner.data);
}

/* Returns whether the subjects differ in the card alone. */
static gboolean
have_same_reader(GVariant *subject, GVariant *other)
{
    g_autoptr(GVariant) details = scd_subject_get_details(subject);
    g_autoptr(GVariant) other_details = scd_subject_get_details(other);
    const char *name, *value, *other_value;
    GVariantIter iter;

    g_variant_iter_init(&iter, details);
    while (g_variant_iter_next(&iter, "{&s&s}", &name, &value))
        if (!g_str_equal(name, "atr") &&
            (!g_variant_lookup(other_details, name, "&s", &other_value) ||
             !g_str_equal(value, other_value)))
            return FALSE;
    return TRUE;
}

/*
 * When the card is removed, it may be inserted again: the check is made for the next card. No
 * command for a card reaches an empty reader, but commands for the driver do, so that the other
 * details count there too.
 * A handle that was connected to another card reaches this one only by Reconnect, which compares
 * the ATR.
 */
static void
handle_details_changed(gpointer data)
{
    ScdGrants *grants = data;

    if (is_exempt(grants))
        return;
    g_autoptr(GVariant) subject = scd_subject_new(grants->reader);
    if (grants->asked && g_variant_equal(subject, grants->asked))
        return;
    if (!grants->checking && g_variant_equal(subject, grants->granted))
        settle_grants(grants);
    else if (scd_reader_card(grants->reader) ||
             !have_same_reader(subject, grants->asked ? grants->asked : grants->granted))
        scd_grants_recheck(grants);
}

static void query_again(gpointer data);

static void
handle_rules_changed(gpointer data)
{
    scd_grants_recheck(data);
}

ScdGrants *
scd_grants_new(ScdAuthorization *authorization, ScdClient *client, ScdReader *reader,
               ScdJobQueue *queue, const ScdGrantsOwner *owner)
{
    ScdGrants *grants = g_new0(ScdGrants, 1);

    g_ref_count_init(&grants->references);
    grants->authorization = authorization;
    grants->client = client;
    grants->reader = reader;
    grants->queue = queue;
    grants->owner = *owner;
    grants->checks = g_cancellable_new();
    grants->granted = is_exempt(grants) ? NULL : scd_subject_new(reader);
    grants->probe = (ScdProbeWait){.authorization = authorization, .go_on = query_again};
    grants->probe.data = grants;
    grants->watch = (ScdReaderDetailsWatch){handle_details_changed, grants};
    g_queue_init(&grants->waiting);
    grants->recheck = (ScdRecheck){handle_rules_changed, grants};
    scd_authorization_add_recheck(authorization, &grants->recheck);
    scd_reader_watch_details(reader, &grants->watch);
    release_queue(grants);
    return grants;
}

void
scd_grants_set_owner(ScdGrants *grants, const ScdGrantsOwner *owner)
{
    grants->owner = *owner;
}

gboolean
scd_grants_is_pending(const ScdGrants *grants)
{
    return grants->held;
}

/*
 * The charges of the call end with its job, so the query is cancelled and the arguments are
 * released, too; and the dialog is closed if there is one. The main loop frees the check.
 */
static void
end_waiting_job(GrantCheck *check, guint32 code)
{
    ScdJob *job = g_steal_pointer(&check->job);

    g_queue_unlink(&check->grants->waiting, &check->link);
    g_clear_handle_id(&check->timer, g_source_remove);
    g_clear_object(&check->invocation);
    if (check->query)
        scd_job_queue_cancel(check->grants->queue, check->query, code);
    g_cancellable_cancel(check->cancellable);
    scd_job_finish(job, code);
}

gboolean
scd_grants_cancel(ScdGrants *grants, const ScdJob *job, guint32 code)
{
    for (GList *link = grants->waiting.head; link; link = link->next) {
        GrantCheck *check = link->data;
        if (check->job != job)
            continue;
        end_waiting_job(check, code);
        return TRUE;
    }
    return FALSE;
}

void
scd_grants_end(ScdGrants *grants, guint32 code)
{
    grants->ended = TRUE;
    scd_authorization_remove_recheck(grants->authorization, &grants->recheck);
    scd_reader_unwatch_details(grants->reader, &grants->watch);
    g_clear_handle_id(&grants->retry, g_source_remove);
    g_cancellable_cancel(grants->checks);
    while (grants->waiting.length > 0)
        end_waiting_job(g_queue_peek_head(&grants->waiting), code);
    if (grants->probe.reader)
        scd_probe_wait_end(&grants->probe);
    unref_grants(grants);
}

void
scd_grants_set_authenticated(ScdGrants *grants, ScdAction action)
{
    grants->authenticated |= 1u << action;
    g_clear_pointer(&grants->authenticated_for, g_variant_unref);
    grants->authenticated_for = scd_subject_get_details(grants->granted);
}

gboolean
scd_grants_has(const ScdGrants *grants, ScdAction action)
{
    return (grants->allowed & 1u << action) != 0;
}

/* Returns the job, which does not wait any more. */
static ScdJob *
take_waiting_job(GrantCheck *check)
{
    g_queue_unlink(&check->grants->waiting, &check->link);
    g_clear_handle_id(&check->timer, g_source_remove);
    return g_steal_pointer(&check->job);
}

static void
end_request(ScdClient *caller, const ScdGrant *grant, const GError *error, gpointer data)
{
    g_autoptr(GrantCheck) check = data;
    g_autoptr(ScdClient) client G_GNUC_UNUSED = caller;
    ScdGrants *grants = check->grants;

    if (!check->job)
        return;
    ScdJob *job = take_waiting_job(check);
    if (error) {
        scd_job_call_refuse(job, error);
        return;
    }
    if (grant->action != SCD_ACTION_NONE)
        grants->allowed |= 1u << grant->action;
    if (grant->authenticated)
        scd_grants_set_authenticated(grants, grant->action);
    grants->owner.granted(job, grants->owner.data);
}

static gboolean
handle_time_limit(gpointer data)
{
    GrantCheck *check = data;

    check->timer = 0;
    end_waiting_job(check, scd_code_of_error(SCD_E_TIMEOUT));
    return G_SOURCE_REMOVE;
}

static void
start_time_limit(GrantCheck *check, gint64 until)
{
    if (until == SCD_JOB_NO_LIMIT)
        return;
    gint64 left_ms = (until - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;
    check->timer = g_timeout_add((guint)CLAMP(left_ms, 0, G_MAXINT), handle_time_limit, check);
}

/* Takes over the check. */
static void
check_request(GrantCheck *check)
{
    ScdGrants *grants = check->grants;

    scd_authorization_check(grants->authorization, check->invocation, grants->reader,
                            check->features, check->cancellable, end_request, check);
}

static gboolean
is_announced(const GrantCheck *check)
{
    gsize length;
    const guint8 *list = g_bytes_get_data(check->features, &length);

    return !scd_control_code_is_driver_command(check->job->number, list, length);
}

static gboolean
handle_features(gpointer data)
{
    GrantCheck *check = data;
    ScdGrants *grants = check->grants;
    /* Any other failure belongs to a driver without features, or to a reader that goes now. */
    gboolean must_wait = check->query_code == scd_code_of_error(SCD_E_SHARING_VIOLATION) ||
                         check->query_code == scd_code_of_error(SCD_E_TIMEOUT);

    if (!check->job) {
        free_grant_check(check);
    } else if (must_wait) {
        scd_job_finish(take_waiting_job(check), check->query_code);
        free_grant_check(check);
    } else if (is_announced(check)) {
        grants->owner.granted(take_waiting_job(check), grants->owner.data);
        free_grant_check(check);
    } else {
        check_request(check);
    }
    return G_SOURCE_REMOVE;
}

/* Called by the thread that ended the job. */
static void
send_features_to_main(ScdJob *query, guint32 code, gpointer data)
{
    GrantCheck *check = data;

    check->query_code = code;
    check->features =
        code == 0 ? g_bytes_ref(scd_bytes_list_get(&query->outputs, 0)) : g_bytes_new(NULL, 0);
    scd_main_thread_invoke(handle_features, check, NULL);
}

/*
 * The driver may have changed its list since the probe of the reader. It is asked on the session's
 * own handle, because a transaction would keep a probe waiting.
 */
static void
query_features(GrantCheck *check)
{
    ScdJob *query = scd_job_new(SCD_JOB_CONTROL, send_features_to_main, check, NULL);

    query->number = SCD_CODE_GET_FEATURE_REQUEST;
    query->wait_until = check->job->wait_until;
    query->end_by = check->job->end_by;
    scd_bytes_list_add(&query->inputs, g_bytes_new(NULL, 0));
    check->query = scd_job_ref(query);
    scd_job_queue_submit(check->grants->queue, query);
}

void
scd_grants_request(ScdGrants *grants, GDBusMethodInvocation *invocation, ScdJob *job, gint64 until)
{
    ScdAction action = scd_authorization_action(invocation, NULL);

    if (action == SCD_ACTION_NONE || scd_grants_has(grants, action)) {
        grants->owner.granted(job, grants->owner.data);
        return;
    }
    GrantCheck *check = new_grant_check(grants, action, job);
    check->invocation = g_object_ref(invocation);
    check->cancellable = g_cancellable_new();
    start_time_limit(check, until);
    g_queue_push_tail_link(&grants->waiting, &check->link);
    if (job->kind == SCD_JOB_CONTROL && !is_exempt(grants))
        query_features(check);
    else
        check_request(check);
}

static gboolean
handle_retry(gpointer data)
{
    ScdGrants *grants = data;

    grants->retry = 0;
    scd_grants_recheck(grants);
    return G_SOURCE_REMOVE;
}

/*
 * A check that fails is not a verdict. While polkit is not available, a subject that was granted
 * can go on; for another one, and if polkit does not reply, the queue stays held.
 */
static void
handle_failure(ScdGrants *grants, GVariant *asked, const GError *error)
{
    gboolean granted = g_variant_equal(asked, grants->granted);

    if (granted && g_error_matches(error, SCD_ERROR, SCD_NOT_AUTHORIZED))
        settle_grants(grants);
    if (!grants->ended && !grants->retry)
        grants->retry = g_timeout_add_seconds(RETRY_S, handle_retry, grants);
}

static gboolean
is_authenticated_for(const ScdGrants *grants, ScdAction action, GVariant *asked)
{
    g_autoptr(GVariant) details = scd_subject_get_details(asked);

    return (grants->authenticated & 1u << action) != 0 &&
           g_variant_equal(details, grants->authenticated_for);
}

static void
end_recheck(ScdVerdict verdict, const GError *error, gpointer data)
{
    g_autoptr(GrantCheck) check = data;
    ScdGrants *grants = check->grants;
    g_autoptr(GVariant) asked = g_steal_pointer(&grants->asked);

    grants->checking = FALSE;
    if (grants->ended || g_error_matches(error, SCD_ERROR, SCD_E_CANCELLED))
        return;
    if (grants->dirty) {
        scd_grants_recheck(grants);
    } else if (error) {
        handle_failure(grants, asked, error);
    } else if (verdict == SCD_VERDICT_NO || (verdict == SCD_VERDICT_CHALLENGE &&
                                             !is_authenticated_for(grants, check->action, asked))) {
        scd_audit_client(scd_authorization_audit(grants->authorization), SCD_AUDIT_REVOKED,
                         grants->client, grants->reader, NULL);
        grants->owner.revoked(grants->owner.data);
    } else {
        g_clear_pointer(&grants->granted, g_variant_unref);
        grants->granted = g_steal_pointer(&asked);
        settle_grants(grants);
    }
}

/* The reference that was taken for the wait for the probe goes over to the check. */
static void
query_again(gpointer data)
{
    ScdGrants *grants = data;

    if (grants->ended) {
        unref_grants(grants);
        return;
    }
    ScdAuthorityDetails details = scd_reader_details(grants->reader);
    ScdAction action = grants->owner.get_required(grants->owner.data);
    GrantCheck *check = new_grant_check(grants, action, NULL);

    unref_grants(grants);
    grants->dirty = FALSE;
    grants->asked = scd_subject_new(grants->reader);
    scd_authority_check(scd_authorization_authority(grants->authorization), grants->client,
                        scd_action_id(action), &details, SCD_AUTHORITY_RECHECK, grants->checks,
                        end_recheck, check);
}

void
scd_grants_recheck(ScdGrants *grants)
{
    grants->allowed = 0;
    if (is_exempt(grants))
        return;
    hold_queue(grants);
    g_clear_handle_id(&grants->retry, g_source_remove);
    if (grants->checking) {
        grants->dirty = TRUE;
        return;
    }
    grants->checking = TRUE;
    g_ref_count_inc(&grants->references);
    scd_probe_wait_start(&grants->probe, grants->reader, grants->client);
}
