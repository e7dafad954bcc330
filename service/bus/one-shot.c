/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/methods.h"

#include "base/words.h"
#include "bus/error.h"
#include "bus/job-call.h"
#include "bus/pending-call.h"
#include "pcsc/code.h"

typedef struct {
    ScdSessions *sessions;
    ScdReader *reader;
    ScdPendingCall *call; /* valid until it has ended */
    ScdShareMode share_mode;
    ScdOneShotOptions options;
    GBytes *atr;       /* of the only card to connect to; NULL: any card */
    ScdJob *job;       /* the one that replies; NULL once submitted or ended */
    ScdJob *submitted; /* the same, from its submission to the end; a reference */
    ScdAction action;
    ScdUserCharge charge;
    ScdJobQueue *queue; /* queue and grants: from the authorization to the end */
    ScdGrants *grants;
} OneShot;

static void
free_one_shot(gpointer data)
{
    OneShot *one_shot = data;

    g_assert(!one_shot->job && !one_shot->submitted && !one_shot->queue);
    g_clear_pointer(&one_shot->atr, g_bytes_unref);
    g_free(one_shot);
}

/*
 * A call that was ended early leaves the card as a session does whose owner has left. So does a
 * control code, by which the user may have entered a PIN.
 */
static guint32
get_disposition(const OneShot *one_shot, const GError *error)
{
    return error || one_shot->share_mode == SCD_SHARE_DIRECT ? SCD_JOB_DISPOSITION_OWNER_LEFT
                                                             : one_shot->options.disposition;
}

/* The reply is the job's, whether it was submitted or not. */
static void
handle_ended(const GError *error, gpointer data)
{
    OneShot *one_shot = data;
    guint32 code = scd_code_of_error(error ? (ScdErrorCode)error->code : SCD_E_CANCELLED);

    if (one_shot->job)
        scd_job_call_refuse(g_steal_pointer(&one_shot->job), error);
    if (one_shot->queue) {
        ScdJob *disconnect = scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL);

        disconnect->action = get_disposition(one_shot, error);
        scd_grants_end(g_steal_pointer(&one_shot->grants), code);
        scd_job_queue_close(g_steal_pointer(&one_shot->queue), disconnect, code);
    }
    /* The job refers to the pending call until it was answered. */
    g_clear_pointer(&one_shot->submitted, scd_job_unref);
    scd_user_charge_give_back(&one_shot->charge);
}

/* Before the reply: the caller's next call must not find the limits still charged with this one. */
static void
end_before_reply(guint32 code, gpointer call)
{
    scd_pending_call_end(call);
}

static ScdJob *
new_internal_job(ScdJobKind kind)
{
    return scd_job_new(kind, NULL, NULL, NULL);
}

static void
submit_job(ScdPendingCall *call, OneShot *one_shot, ScdJob *job)
{
    scd_pending_call_limit_job(call, job);
    scd_job_queue_submit(one_shot->queue, job);
}

static void
submit_jobs(ScdPendingCall *call, OneShot *one_shot)
{
    ScdJob *connect = new_internal_job(SCD_JOB_CONNECT);
    connect->share_mode = one_shot->share_mode;
    connect->protocols = one_shot->options.protocols;
    if (one_shot->atr)
        scd_bytes_list_add(&connect->inputs, g_bytes_ref(one_shot->atr));
    submit_job(call, one_shot, connect);

    if (one_shot->job->kind == SCD_JOB_TRANSMIT) {
        ScdJob *begin = new_internal_job(SCD_JOB_BEGIN);
        begin->chained = TRUE;
        submit_job(call, one_shot, begin);
    }
    scd_job_call_on_end(one_shot->job, end_before_reply, scd_pending_call_ref(call),
                        (GDestroyNotify)scd_pending_call_unref);
    one_shot->job->chained = TRUE;
    one_shot->submitted = scd_job_ref(one_shot->job);
    submit_job(call, one_shot, g_steal_pointer(&one_shot->job));
}

static ScdAction
get_required_action(gpointer data)
{
    OneShot *one_shot = data;
    return one_shot->action;
}

static void
handle_revoked(gpointer data)
{
    OneShot *one_shot = data;
    scd_pending_call_fail_with_code(one_shot->call, SCD_W_SECURITY_VIOLATION);
}

static void
run_jobs(ScdPendingCall *call, gpointer data)
{
    OneShot *one_shot = data;
    const ScdGrantsOwner owner = {
        .get_required = get_required_action, .revoked = handle_revoked, .data = one_shot};
    ScdClient *client = scd_pending_call_client(call);
    g_autoptr(ScdAccount) account = scd_sessions_get_account(one_shot->sessions, client);
    g_autoptr(GError) error = NULL;

    one_shot->action = scd_pending_call_grant(call)->action;
    const ScdHolderQuery query = scd_sessions_holder_query(one_shot->sessions, client, 0);

    scd_job_call_set_holder_query(one_shot->job, &query);
    if (scd_job_charge(one_shot->job, account, &error))
        one_shot->queue = scd_sessions_new_queue(one_shot->sessions, client,
                                                 scd_reader_pcsc_name(one_shot->reader),
                                                 &one_shot->charge, &error);
    if (!one_shot->queue) {
        scd_pending_call_fail(call, error);
        return;
    }
    one_shot->grants = scd_grants_new(scd_sessions_authorization(one_shot->sessions), client,
                                      one_shot->reader, one_shot->queue, &owner);
    if (scd_pending_call_grant(call)->authenticated)
        scd_grants_set_authenticated(one_shot->grants, one_shot->action);
    scd_audit_client(scd_sessions_audit(one_shot->sessions), SCD_AUDIT_OPENED, client,
                     one_shot->reader, NULL);
    submit_jobs(call, one_shot);
}

static gboolean
was_sent(gpointer data)
{
    const OneShot *one_shot = data;
    return one_shot->submitted && scd_job_was_sent(one_shot->submitted);
}

static const ScdPendingCallMethod one_shot_method = {
    .proceed = run_jobs,
    .ended = handle_ended,
    .was_sent = was_sent,
    .free_data = free_one_shot,
    .replies_itself = TRUE,
};

/* Takes over the job, and the ATR of the template. */
static void
start_one_shot(ScdSessions *sessions, ScdReader *reader, ScdJob *job, const OneShot *template,
               GDBusMethodInvocation *invocation, const ScdCallOptions *call_options)
{
    OneShot *one_shot = g_memdup2(template, sizeof *template);
    const ScdPendingCallParts parts = {
        .authorization = scd_sessions_authorization(sessions),
        .invocation = invocation,
        .reader = reader,
        .needs_card = template->atr != NULL,
        .registry = scd_sessions_registry(sessions),
        .wait_limit_ms = scd_sessions_wait_limit_ms(sessions),
    };

    one_shot->sessions = sessions;
    one_shot->reader = reader;
    one_shot->job = job;
    one_shot->call = scd_pending_call_new(&one_shot_method, one_shot, &parts);
    scd_pending_call_start(one_shot->call, call_options);
}

static ScdReplyForm
get_reply_form(GVariant *commands)
{
    const char *type = g_variant_get_type_string(commands);

    if (g_str_equal(type, "ay"))
        return SCD_REPLY_BYTES;
    if (g_str_equal(type, "aay"))
        return SCD_REPLY_BYTES_LIST;
    return g_str_equal(type, "s") ? SCD_REPLY_HEX : SCD_REPLY_HEX_LIST;
}

void
scd_one_shot_transmit(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                      GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) commands = g_variant_get_child_value(arguments, 0);
    g_autoptr(GVariant) options =
        g_variant_n_children(arguments) > 1 ? g_variant_get_child_value(arguments, 1) : NULL;
    ScdJob *job = scd_job_call_new(SCD_JOB_TRANSMIT, invocation, scd_reader_name(reader),
                                   get_reply_form(commands));
    OneShot template = {.share_mode = SCD_SHARE_SHARED};
    g_auto(ScdCallOptions) call_options = {0};
    g_autoptr(GError) error = NULL;

    if (!scd_job_call_read_script(job, commands, options, &template.options, &call_options,
                                  &error)) {
        scd_job_call_refuse(job, error);
        return;
    }
    template.atr = scd_reader_dup_atr(reader);
    start_one_shot(sessions, reader, job, &template, invocation, &call_options);
}

void
scd_one_shot_control(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                     GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) data = g_variant_get_child_value(arguments, 1);
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 2);
    ScdJob *job =
        scd_job_call_new(SCD_JOB_CONTROL, invocation, scd_reader_name(reader), SCD_REPLY_BYTES);
    g_auto(ScdCallOptions) call_options = {0};
    const OneShot template = {.share_mode = SCD_SHARE_DIRECT};
    g_autoptr(GError) error = NULL;

    g_variant_get_child(arguments, 0, "u", &job->number);
    scd_job_call_add_input(job, data);
    if (scd_call_options_read(&call_options, options, &error))
        start_one_shot(sessions, reader, job, &template, invocation, &call_options);
    else
        scd_job_call_refuse(job, error);
}

void
scd_one_shot_get_attribute(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                           GDBusMethodInvocation *invocation)
{
    ScdJob *job = scd_job_call_new(SCD_JOB_GET_ATTRIBUTE, invocation, scd_reader_name(reader),
                                   SCD_REPLY_BYTES);
    const OneShot template = {.share_mode = SCD_SHARE_DIRECT};
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 1);
    g_auto(ScdCallOptions) call_options = {0};
    g_autoptr(GError) error = NULL;

    g_variant_get_child(arguments, 0, "u", &job->number);
    if (scd_call_options_read(&call_options, options, &error))
        start_one_shot(sessions, reader, job, &template, invocation, &call_options);
    else
        scd_job_call_refuse(job, error);
}
