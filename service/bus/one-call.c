/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/one-call.h"

#include "base/words.h"
#include "bus/admission.h"
#include "bus/audit.h"
#include "bus/call.h"
#include "bus/grants.h"
#include "bus/options.h"
#include "bus/script.h"
#include "bus/session.h"
#include "pcsc/code.h"

typedef struct {
    grefcount references; /* one for whoever ends it, one for what is under way */
    ScdSessions *sessions;
    ScdReader *reader;
    ScdReaderWatch watch;
    ScdShareMode share_mode;
    ScdOneCall how;
    GBytes *atr; /* of the only card that is meant, or NULL */
    ScdJob *job; /* that replies; NULL once it has been submitted or ended */
    ScdAction action;
    GCancellable *questions;
    ScdClient *client;
    guint leave;
    ScdUserCharge charge;
    ScdHandle *handle; /* with the grants and the watch: while it is under way */
    ScdGrants *grants;
    ScdRulesWatch rules_watch;
    gboolean ended;
} OneCall;

static void
release(OneCall *one_call)
{
    if (!g_ref_count_dec(&one_call->references))
        return;
    g_object_unref(one_call->questions);
    g_clear_pointer(&one_call->client, scd_client_unref);
    scd_user_charge_give_back(&one_call->charge);
    g_clear_pointer(&one_call->atr, g_bytes_unref);
    g_free(one_call);
}

static void
stop(OneCall *one_call, ScdErrorCode error, ScdDisposition disposition)
{
    ScdJob *disconnect = scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL);

    disconnect->action = disposition;
    scd_handle_close(one_call->handle, disconnect, scd_code_of_error(error));
    scd_sessions_unwatch_rules(one_call->sessions, &one_call->rules_watch);
    scd_grants_end(one_call->grants, scd_code_of_error(error));
    scd_client_remove_leave(one_call->client, one_call->leave);
}

/* What is not done yet is cancelled with the code. */
static void
end(OneCall *one_call, ScdErrorCode error, ScdDisposition disposition)
{
    if (one_call->ended)
        return;
    one_call->ended = TRUE;
    if (one_call->job)
        scd_job_finish(g_steal_pointer(&one_call->job), scd_code_of_error(error));
    g_cancellable_cancel(one_call->questions);
    scd_reader_unwatch(one_call->reader, &one_call->watch);
    if (one_call->handle)
        stop(one_call, error, disposition);
    scd_user_charge_give_back(&one_call->charge);
    release(one_call);
}

static void
reader_left(ScdSessionEnd why, gpointer data)
{
    end(data, why == SCD_SESSION_SERVICE_UNAVAILABLE ? SCD_E_NO_SERVICE : SCD_E_READER_UNAVAILABLE,
        SCD_DISPOSITION_RESET);
}

static void
card_left(gpointer data)
{
    OneCall *one_call = data;
    if (one_call->atr)
        end(one_call, SCD_W_REMOVED_CARD, SCD_DISPOSITION_LEAVE);
}

static void
client_left(gpointer data)
{
    OneCall *one_call = data;
    one_call->leave = 0;
    end(one_call, SCD_E_CANCELLED, SCD_DISPOSITION_RESET);
}

/* Before the reply: what the caller does next finds nothing of this call any more. */
static void
all_done(guint32 code, gpointer data)
{
    OneCall *one_call = data;
    end(one_call, SCD_E_CANCELLED, one_call->how.disposition);
}

static ScdJob *
new_step(ScdJobKind kind)
{
    return scd_job_new(kind, NULL, NULL, NULL);
}

static void
submit(OneCall *one_call)
{
    ScdHandle *handle = one_call->handle;
    ScdJob *connect = new_step(SCD_JOB_CONNECT);
    connect->share_mode = one_call->share_mode;
    connect->protocols = one_call->how.protocols;
    if (one_call->atr)
        scd_bytes_list_add(&connect->inputs, g_bytes_ref(one_call->atr));
    scd_handle_submit(handle, connect);

    if (one_call->job->kind == SCD_JOB_TRANSMIT) {
        ScdJob *begin = new_step(SCD_JOB_BEGIN);
        begin->chained = TRUE;
        scd_handle_submit(handle, begin);
    }
    g_ref_count_inc(&one_call->references);
    scd_call_tell_main(one_call->job, all_done, one_call, (GDestroyNotify)release);
    one_call->job->chained = TRUE;
    scd_handle_submit(handle, g_steal_pointer(&one_call->job));
}

static void
refuse(OneCall *one_call, const GError *error)
{
    scd_call_refuse(g_steal_pointer(&one_call->job), error);
    end(one_call, SCD_E_CANCELLED, SCD_DISPOSITION_LEAVE);
}

static void
revoked(gpointer data)
{
    end(data, SCD_W_SECURITY_VIOLATION, SCD_DISPOSITION_RESET);
}

static void
rules_changed(gpointer data)
{
    OneCall *one_call = data;
    scd_grants_recheck(one_call->grants, one_call->action);
}

/* While it waits for its turn the client may leave, and the rules change. */
static void
watch(OneCall *one_call, gboolean authenticated)
{
    const ScdGrantsOwner owner = {NULL, revoked, one_call};

    one_call->leave = scd_client_on_leave(one_call->client, client_left, one_call);
    one_call->grants = scd_grants_new(scd_sessions_admission(one_call->sessions), one_call->client,
                                      one_call->reader, &owner);
    if (authenticated)
        scd_grants_set_authenticated(one_call->grants, one_call->action);
    one_call->rules_watch = (ScdRulesWatch){rules_changed, one_call};
    scd_sessions_watch_rules(one_call->sessions, &one_call->rules_watch);
}

static void
admitted(ScdClient *client, gboolean authenticated, const GError *error, gpointer data)
{
    OneCall *one_call = data;
    g_autoptr(GError) too_many = NULL;

    one_call->client = client;
    if (!error && !one_call->ended) {
        one_call->handle =
            scd_sessions_new_handle(one_call->sessions, client, scd_reader_name(one_call->reader),
                                    &one_call->charge, &too_many);
        error = too_many;
    }
    if (!one_call->ended && error) {
        refuse(one_call, error);
    } else if (!one_call->ended) {
        watch(one_call, authenticated);
        scd_audit_client(scd_sessions_audit(one_call->sessions), SCD_AUDIT_OPENED, client,
                         one_call->reader, NULL);
        submit(one_call);
    }
    release(one_call);
}

/* Takes over the job. */
static void
start(ScdSessions *sessions, ScdReader *reader, ScdJob *job, const OneCall *template,
      GDBusMethodInvocation *invocation)
{
    OneCall *one_call = g_memdup2(template, sizeof *template);

    g_ref_count_init(&one_call->references);
    one_call->sessions = sessions;
    one_call->reader = reader;
    one_call->job = job;
    one_call->action = scd_admission_action(invocation);
    one_call->questions = g_cancellable_new();
    one_call->watch = (ScdReaderWatch){reader_left, card_left, one_call};
    scd_reader_watch(reader, &one_call->watch);

    g_ref_count_inc(&one_call->references);
    scd_admission_ask(scd_sessions_admission(sessions), invocation, reader, one_call->questions,
                      admitted, one_call);
}

static ScdReplyForm
form_of(GVariant *commands)
{
    const char *type = g_variant_get_type_string(commands);

    if (g_str_equal(type, "ay"))
        return SCD_REPLY_BYTES;
    if (g_str_equal(type, "aay"))
        return SCD_REPLY_BYTES_LIST;
    return g_str_equal(type, "s") ? SCD_REPLY_HEX : SCD_REPLY_HEX_LIST;
}

void
scd_one_call_transmit(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                      GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) commands = g_variant_get_child_value(arguments, 0);
    g_autoptr(GVariant) options =
        g_variant_n_children(arguments) > 1 ? g_variant_get_child_value(arguments, 1) : NULL;
    ScdJob *job =
        scd_call_new_job(SCD_JOB_TRANSMIT, invocation, scd_reader_name(reader), form_of(commands));
    OneCall template = {.share_mode = SCD_SHARE_SHARED};
    g_autoptr(GError) error = NULL;

    if (!scd_script_read(job, commands, options, &template.how, &error)) {
        scd_call_refuse(job, error);
        return;
    }
    template.atr = scd_reader_dup_atr(reader);
    start(sessions, reader, job, &template, invocation);
}

void
scd_one_call_control(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                     GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) data = g_variant_get_child_value(arguments, 1);
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 2);
    ScdJob *job =
        scd_call_new_job(SCD_JOB_CONTROL, invocation, scd_reader_name(reader), SCD_REPLY_BYTES);
    const ScdOption none[] = {{NULL, NULL, NULL}};
    const OneCall template = {.share_mode = SCD_SHARE_DIRECT};
    g_autoptr(GError) error = NULL;

    g_variant_get_child(arguments, 0, "u", &job->number);
    scd_call_add_input(job, data);
    if (scd_options_read(options, none, &error))
        start(sessions, reader, job, &template, invocation);
    else
        scd_call_refuse(job, error);
}

void
scd_one_call_get_attribute(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                           GDBusMethodInvocation *invocation)
{
    ScdJob *job = scd_call_new_job(SCD_JOB_GET_ATTRIBUTE, invocation, scd_reader_name(reader),
                                   SCD_REPLY_BYTES);
    const OneCall template = {.share_mode = SCD_SHARE_DIRECT};

    g_variant_get(arguments, "(u)", &job->number);
    start(sessions, reader, job, &template, invocation);
}
