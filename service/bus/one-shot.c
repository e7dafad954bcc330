/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/one-shot.h"

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
    ScdOneShotOptions how;
    GBytes *atr; /* of the only card that is meant, or NULL */
    ScdJob *job; /* that replies; NULL once it has been submitted or ended */
    ScdAction action;
    GCancellable *questions;
    ScdClient *client;
    guint leave;
    ScdUserCharge charge;
    ScdJobQueue *handle; /* with the grants and the watch: while it is under way */
    ScdGrants *grants;
    ScdRulesWatch rules_watch;
    gboolean ended;
} OneShot;

static void
release(OneShot *one_shot)
{
    if (!g_ref_count_dec(&one_shot->references))
        return;
    g_object_unref(one_shot->questions);
    g_clear_pointer(&one_shot->client, scd_client_unref);
    scd_user_charge_give_back(&one_shot->charge);
    g_clear_pointer(&one_shot->atr, g_bytes_unref);
    g_free(one_shot);
}

static void
stop(OneShot *one_shot, ScdErrorCode error, ScdDisposition disposition)
{
    ScdJob *disconnect = scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL);

    disconnect->action = disposition;
    scd_job_queue_close(one_shot->handle, disconnect, scd_code_of_error(error));
    scd_sessions_unwatch_rules(one_shot->sessions, &one_shot->rules_watch);
    scd_grants_end(one_shot->grants, scd_code_of_error(error));
    scd_client_remove_leave(one_shot->client, one_shot->leave);
}

/* What is not done yet is cancelled with the code. */
static void
end(OneShot *one_shot, ScdErrorCode error, ScdDisposition disposition)
{
    if (one_shot->ended)
        return;
    one_shot->ended = TRUE;
    if (one_shot->job)
        scd_job_finish(g_steal_pointer(&one_shot->job), scd_code_of_error(error));
    g_cancellable_cancel(one_shot->questions);
    scd_reader_unwatch(one_shot->reader, &one_shot->watch);
    if (one_shot->handle)
        stop(one_shot, error, disposition);
    scd_user_charge_give_back(&one_shot->charge);
    release(one_shot);
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
    OneShot *one_shot = data;
    if (one_shot->atr)
        end(one_shot, SCD_W_REMOVED_CARD, SCD_DISPOSITION_LEAVE);
}

static void
client_left(gpointer data)
{
    OneShot *one_shot = data;
    one_shot->leave = 0;
    end(one_shot, SCD_E_CANCELLED, SCD_DISPOSITION_RESET);
}

/* Before the reply: what the caller does next finds nothing of this call any more. */
static void
all_done(guint32 code, gpointer data)
{
    OneShot *one_shot = data;
    end(one_shot, SCD_E_CANCELLED, one_shot->how.disposition);
}

static ScdJob *
new_step(ScdJobKind kind)
{
    return scd_job_new(kind, NULL, NULL, NULL);
}

static void
submit(OneShot *one_shot)
{
    ScdJobQueue *handle = one_shot->handle;
    ScdJob *connect = new_step(SCD_JOB_CONNECT);
    connect->share_mode = one_shot->share_mode;
    connect->protocols = one_shot->how.protocols;
    if (one_shot->atr)
        scd_bytes_list_add(&connect->inputs, g_bytes_ref(one_shot->atr));
    scd_job_queue_submit(handle, connect);

    if (one_shot->job->kind == SCD_JOB_TRANSMIT) {
        ScdJob *begin = new_step(SCD_JOB_BEGIN);
        begin->chained = TRUE;
        scd_job_queue_submit(handle, begin);
    }
    g_ref_count_inc(&one_shot->references);
    scd_call_tell_main(one_shot->job, all_done, one_shot, (GDestroyNotify)release);
    one_shot->job->chained = TRUE;
    scd_job_queue_submit(handle, g_steal_pointer(&one_shot->job));
}

static void
refuse(OneShot *one_shot, const GError *error)
{
    scd_call_refuse(g_steal_pointer(&one_shot->job), error);
    end(one_shot, SCD_E_CANCELLED, SCD_DISPOSITION_LEAVE);
}

static void
revoked(gpointer data)
{
    end(data, SCD_W_SECURITY_VIOLATION, SCD_DISPOSITION_RESET);
}

static void
rules_changed(gpointer data)
{
    OneShot *one_shot = data;
    scd_grants_recheck(one_shot->grants, one_shot->action);
}

/* While it waits for its turn the client may leave, and the rules change. */
static void
watch(OneShot *one_shot, gboolean authenticated)
{
    const ScdGrantsOwner owner = {NULL, revoked, one_shot};

    one_shot->leave = scd_client_on_leave(one_shot->client, client_left, one_shot);
    one_shot->grants = scd_grants_new(scd_sessions_admission(one_shot->sessions), one_shot->client,
                                      one_shot->reader, &owner);
    if (authenticated)
        scd_grants_set_authenticated(one_shot->grants, one_shot->action);
    one_shot->rules_watch = (ScdRulesWatch){rules_changed, one_shot};
    scd_sessions_watch_rules(one_shot->sessions, &one_shot->rules_watch);
}

static void
admitted(ScdClient *client, gboolean authenticated, const GError *error, gpointer data)
{
    OneShot *one_shot = data;
    g_autoptr(GError) too_many = NULL;

    one_shot->client = client;
    if (!error && !one_shot->ended) {
        one_shot->handle =
            scd_sessions_new_queue(one_shot->sessions, client, scd_reader_name(one_shot->reader),
                                   &one_shot->charge, &too_many);
        error = too_many;
    }
    if (!one_shot->ended && error) {
        refuse(one_shot, error);
    } else if (!one_shot->ended) {
        watch(one_shot, authenticated);
        scd_audit_client(scd_sessions_audit(one_shot->sessions), SCD_AUDIT_OPENED, client,
                         one_shot->reader, NULL);
        submit(one_shot);
    }
    release(one_shot);
}

/* Takes over the job. */
static void
start(ScdSessions *sessions, ScdReader *reader, ScdJob *job, const OneShot *template,
      GDBusMethodInvocation *invocation)
{
    OneShot *one_shot = g_memdup2(template, sizeof *template);

    g_ref_count_init(&one_shot->references);
    one_shot->sessions = sessions;
    one_shot->reader = reader;
    one_shot->job = job;
    one_shot->action = scd_admission_action(invocation);
    one_shot->questions = g_cancellable_new();
    one_shot->watch = (ScdReaderWatch){reader_left, card_left, one_shot};
    scd_reader_watch(reader, &one_shot->watch);

    g_ref_count_inc(&one_shot->references);
    scd_admission_ask(scd_sessions_admission(sessions), invocation, reader, one_shot->questions,
                      admitted, one_shot);
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
scd_one_shot_transmit(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                      GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) commands = g_variant_get_child_value(arguments, 0);
    g_autoptr(GVariant) options =
        g_variant_n_children(arguments) > 1 ? g_variant_get_child_value(arguments, 1) : NULL;
    ScdJob *job =
        scd_call_new_job(SCD_JOB_TRANSMIT, invocation, scd_reader_name(reader), form_of(commands));
    OneShot template = {.share_mode = SCD_SHARE_SHARED};
    g_autoptr(GError) error = NULL;

    if (!scd_script_read(job, commands, options, &template.how, &error)) {
        scd_call_refuse(job, error);
        return;
    }
    template.atr = scd_reader_dup_atr(reader);
    start(sessions, reader, job, &template, invocation);
}

void
scd_one_shot_control(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                     GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) data = g_variant_get_child_value(arguments, 1);
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 2);
    ScdJob *job =
        scd_call_new_job(SCD_JOB_CONTROL, invocation, scd_reader_name(reader), SCD_REPLY_BYTES);
    const ScdOption none[] = {{NULL, NULL, NULL}};
    const OneShot template = {.share_mode = SCD_SHARE_DIRECT};
    g_autoptr(GError) error = NULL;

    g_variant_get_child(arguments, 0, "u", &job->number);
    scd_call_add_input(job, data);
    if (scd_options_read(options, none, &error))
        start(sessions, reader, job, &template, invocation);
    else
        scd_call_refuse(job, error);
}

void
scd_one_shot_get_attribute(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                           GDBusMethodInvocation *invocation)
{
    ScdJob *job = scd_call_new_job(SCD_JOB_GET_ATTRIBUTE, invocation, scd_reader_name(reader),
                                   SCD_REPLY_BYTES);
    const OneShot template = {.share_mode = SCD_SHARE_DIRECT};

    g_variant_get(arguments, "(u)", &job->number);
    start(sessions, reader, job, &template, invocation);
}
