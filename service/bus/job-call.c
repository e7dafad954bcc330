/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two threads could send the reply. Measured with ./bench (Session.Transmit of 5 bytes,
 * sd-bus client, dbus-daemon; on that machine a direct SCardTransmit takes 12 µs, an echo
 * over the bus 76 µs):
 *
 *     reply from the worker's thread   95 µs, 1.07 times direct call plus echo
 *     reply from the main thread       97 µs, 1.10 times
 *
 * Prototypes without any checks were measured for other designs. On that machine a direct
 * call took 30 µs; the numbers are multiples of it:
 *
 *     object registered in a GMainContext of the worker's thread    6.7 to 6.8
 *     GDBus filter that passes the call to the worker's thread      6.3 to 6.9
 *     call on the main thread, reply from the worker's thread       7.0 to 7.6
 *     GTask, reply from the main thread                             7.6 to 8.2
 *
 * The first two need access to sessions, owners and limits from other threads, while today only
 * the main thread uses them; the first also needs a main loop between a channel and its worker.
 * So the worker sends the reply, unless the main thread has work to do before the reply.
 */

#include "bus/job-call.h"

#include <string.h>

#include "base/bytes.h"
#include "bus/options.h"
#include "bus/reply.h"
#include "pcsc/code.h"
#include "pcsc/main-thread.h"

struct ScdQuota {
    gatomicrefcount references;
    ScdLimit calls;
    ScdLimit bytes;
    ScdAccount *account;
};

/* The charge of one call. All zero: not charged. */
typedef struct {
    ScdQuota *quota;
    ScdCharge calls;
    ScdCharge bytes;
} QuotaCharge;

typedef struct {
    GDBusMethodInvocation *invocation; /* NULL once it was answered */
    char *reader;
    ScdReplyForm form;
    GVariant *ready; /* the reply of SCD_REPLY_READY */
    QuotaCharge charge;
    ScdRegisteredCall *registered; /* NULL without a call-id */

    /* Called on the main thread, or NULL. */
    ScdJobCallReportFunc report;
    gpointer report_data;
    GDestroyNotify free_report_data;
    GThread *reporter; /* the thread of the first event; atomic */

    /* Called on the main thread before the reply, or NULL. */
    ScdJobCallEndFunc end;
    gpointer end_data;
    GDestroyNotify free_end_data;
    guint32 code;
    ScdHolderQuery holder; /* describe: NULL for none */
} JobCall;

ScdQuota *
scd_quota_new(const ScdConfig *config, ScdAccount *account)
{
    const ScdLimitRule calls = {"calls of one session that wait", "CallsPerSession",
                                config->calls_per_session};
    const ScdLimitRule bytes = {"bytes in the calls of one session that wait", "BytesPerSession",
                                config->bytes_per_session};
    ScdQuota *quota = g_new0(ScdQuota, 1);

    g_atomic_ref_count_init(&quota->references);
    scd_limit_init(&quota->calls, &calls);
    scd_limit_init(&quota->bytes, &bytes);
    quota->account = scd_account_ref(account);
    return quota;
}

void
scd_quota_unref(ScdQuota *quota)
{
    if (!g_atomic_ref_count_dec(&quota->references))
        return;
    scd_limit_clear(&quota->calls);
    scd_limit_clear(&quota->bytes);
    scd_account_unref(quota->account);
    g_free(quota);
}

ScdAccount *
scd_quota_account(const ScdQuota *quota)
{
    return quota->account;
}

static gboolean
take_charge(QuotaCharge *charge, ScdQuota *quota, gsize bytes, GError **error)
{
    if (!scd_charge_take(&charge->calls, &quota->calls, 1, error))
        return FALSE;
    if (!scd_charge_take(&charge->bytes, &quota->bytes, bytes, error)) {
        scd_charge_give_back(&charge->calls);
        return FALSE;
    }
    g_atomic_ref_count_inc(&quota->references);
    charge->quota = quota;
    return TRUE;
}

static void
give_charge_back(QuotaCharge *charge)
{
    if (!charge->quota)
        return;
    scd_charge_give_back(&charge->calls);
    scd_charge_give_back(&charge->bytes);
    g_clear_pointer(&charge->quota, scd_quota_unref);
}

/* Takes the body. */
static void
reply_with_body(GDBusMethodInvocation *invocation, const char *signature, GBytes *body)
{
    scd_reply_body(invocation, signature, body);
    g_bytes_unref(body);
}

/* Sends the results of the job. */
static void
reply_with_results(const JobCall *call, const ScdJob *job, GDBusMethodInvocation *invocation)
{
    switch (call->form) {
    case SCD_REPLY_NOTHING:
        scd_reply(invocation, NULL);
        break;
    case SCD_REPLY_BYTES:
    case SCD_REPLY_PIN:
        scd_reply_bytes(invocation, scd_bytes_list_get(&job->outputs, 0));
        break;
    case SCD_REPLY_BYTES_LIST:
        reply_with_body(invocation, "aays", scd_responses_encode_list(job));
        break;
    case SCD_REPLY_HEX:
        reply_with_body(invocation, "s", scd_responses_encode_hex(job));
        break;
    case SCD_REPLY_HEX_LIST:
        reply_with_body(invocation, "ass", scd_responses_encode_hex_list(job));
        break;
    case SCD_REPLY_PROTOCOL:
        scd_reply(invocation, g_variant_new("(s)", scd_protocol_to_word(job->protocol)));
        break;
    case SCD_REPLY_CARD_USED:
        scd_reply(invocation, g_variant_new("(b)", job->card_used));
        break;
    case SCD_REPLY_READY:
        scd_reply(invocation, call->ready);
        break;
    }
}

/* NotTransacted stands for different failures. */
static const char *
get_failure_text(const ScdJob *job, ScdErrorCode code)
{
    if (job->kind != SCD_JOB_TRANSMIT || code != SCD_E_NOT_TRANSACTED)
        return "";
    return ": the reader reports an error, and the card has not been removed; it may have received "
           "the command";
}

static GError *
new_job_error(const JobCall *call, const ScdJob *job, ScdErrorCode code)
{
    gboolean given_up = code == SCD_E_TIMEOUT || code == SCD_E_CANCELLED;
    /* A Close goes on in any case. */
    gboolean sent = scd_job_was_sent(job) || job->kind == SCD_JOB_DISCONNECT;
    g_autofree char *where = NULL;
    g_autofree char *holder = scd_holder_query_describe(&call->holder, call->reader, code);
    const char *end = given_up ? scd_call_error_sent_text(sent)
                      : holder ? holder
                               : get_failure_text(job, code);

    if (job->kind == SCD_JOB_TRANSMIT && scd_job_n_commands(job) > 1)
        where = g_strdup_printf("command %u of %u: ", scd_job_n_answered(job) + 1,
                                scd_job_n_commands(job));
    return scd_call_error_new_with(call->reader, where ? where : "", code, end);
}

/* The status words that PC/SC part 10 has for readers; NULL: another response. */
static GError *
new_pin_error(const JobCall *call, const ScdJob *job)
{
    static const ScdErrorCode errors[] = {SCD_PIN_TIMEOUT, SCD_PIN_CANCELLED, SCD_PIN_MISMATCH,
                                          SCD_PIN_LENGTH};
    gsize length;
    const guint8 *response = g_bytes_get_data(scd_bytes_list_get(&job->outputs, 0), &length);

    if (length != 2 || response[0] != 0x64 || response[1] >= G_N_ELEMENTS(errors))
        return NULL;
    g_autofree char *end = g_strdup_printf(" (status word 64%02X)", response[1]);
    return scd_call_error_new_with(call->reader, "", errors[response[1]], end);
}

static GError *
new_error_for_reply(const JobCall *call, const ScdJob *job, guint32 code)
{
    if (code == 0)
        return call->form == SCD_REPLY_PIN ? new_pin_error(call, job) : NULL;
    if (call->form == SCD_REPLY_PIN && code == scd_code_of_error(SCD_E_UNSUPPORTED_FEATURE))
        return new_job_error(call, job, SCD_NO_PIN_PAD);
    return new_job_error(call, job, scd_code_to_error(code));
}

static void
send_reply(JobCall *call, const ScdJob *job, guint32 code)
{
    GDBusMethodInvocation *invocation = g_steal_pointer(&call->invocation);

    /* Before the caller can make its next call, which needs the quota and the id. */
    give_charge_back(&call->charge);
    g_clear_pointer(&call->registered, scd_registered_call_free);
    GError *error = new_error_for_reply(call, job, code);
    if (error)
        scd_reply_take_error(invocation, error);
    else
        reply_with_results(call, job, invocation);
}

/* The data may be of the main thread, and the worker may release the job last. */
static void
release_end_data(JobCall *call)
{
    if (call->free_end_data)
        call->free_end_data(call->end_data);
    call->free_end_data = NULL;
}

static gboolean
send_reply_in_main(gpointer data)
{
    ScdJob *job = data;
    JobCall *call = job->data;

    if (call->end)
        call->end(call->code, call->end_data);
    release_end_data(call);
    send_reply(call, job, call->code);
    return G_SOURCE_REMOVE;
}

/* Called by the thread that ended the job. */
static void
end_call(ScdJob *job, guint32 code, gpointer data)
{
    JobCall *call = data;

    call->code = code;
    /* A reply behind events goes the same way. One that is early needs no main loop. */
    if (call->end || g_atomic_pointer_get(&call->reporter) == g_thread_self() ||
        (code == scd_code_of_error(SCD_E_SHARING_VIOLATION) && call->holder.describe))
        scd_main_thread_invoke(send_reply_in_main, scd_job_ref(job), (GDestroyNotify)scd_job_unref);
    else
        send_reply(call, job, code);
}

/* A call that has no reply when the service exits gets an error from the bus. */
static void
free_call(gpointer data)
{
    JobCall *call = data;

    g_clear_object(&call->invocation);
    give_charge_back(&call->charge);
    g_clear_pointer(&call->registered, scd_registered_call_free);
    g_clear_pointer(&call->ready, g_variant_unref);
    release_end_data(call); /* of a job that was refused, and not submitted */
    if (call->free_report_data)
        call->free_report_data(call->report_data);
    g_free(call->reader);
    g_free(call);
}

ScdJob *
scd_job_call_new(ScdJobKind kind, GDBusMethodInvocation *invocation, const char *reader,
                 ScdReplyForm form)
{
    JobCall *call = g_new0(JobCall, 1);
    call->invocation = invocation;
    call->reader = g_strdup(reader);
    call->form = form;
    ScdJob *job = scd_job_new(kind, end_call, call, free_call);
    job->finds_cause = TRUE;
    return job;
}

gboolean
scd_job_call_charge(ScdJob *job, ScdQuota *quota)
{
    JobCall *call = job->data;
    gsize bytes = 0;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < job->inputs.length; i++)
        bytes += g_bytes_get_size(scd_bytes_list_get(&job->inputs, i));
    if (take_charge(&call->charge, quota, bytes, &error) &&
        scd_job_charge(job, scd_quota_account(quota), &error))
        return TRUE;
    scd_job_call_refuse(job, error);
    return FALSE;
}

void
scd_job_call_limit(ScdJob *job, const ScdCallOptions *options, gint64 wait_until)
{
    guint32 timeout_ms;

    if (!scd_call_options_get_timeout(options, &timeout_ms))
        job->wait_until = wait_until;
    else if (timeout_ms == SCD_TIMEOUT_NO_WAIT)
        job->wait_until = SCD_JOB_NO_WAIT;
    else if (timeout_ms != SCD_TIMEOUT_NO_LIMIT)
        job->end_by = g_get_monotonic_time() + (gint64)timeout_ms * G_TIME_SPAN_MILLISECOND;
}

gboolean
scd_job_call_register(ScdJob *job, ScdCallRegistry *registry, const char *call_id,
                      ScdCancelFunc cancel, gpointer data, GDestroyNotify free_data, GError **error)
{
    JobCall *call = job->data;
    const char *sender = g_dbus_method_invocation_get_sender(call->invocation);

    call->registered =
        scd_call_registry_add(registry, sender, call_id, cancel, data, free_data, error);
    return call->registered != NULL;
}

void
scd_job_call_set_reply(ScdJob *job, GVariant *ready)
{
    ((JobCall *)job->data)->ready = g_variant_ref_sink(ready);
}

void
scd_job_call_on_end(ScdJob *job, ScdJobCallEndFunc func, gpointer data, GDestroyNotify destroy)
{
    JobCall *call = job->data;
    call->end = func;
    call->end_data = data;
    call->free_end_data = destroy;
}

typedef struct {
    ScdJob *job; /* a reference */
    ScdPinEvent event;
} PinReport;

static gboolean
handle_report_in_main(gpointer data)
{
    const PinReport *report = data;
    const JobCall *call = report->job->data;

    call->report(report->event, call->report_data);
    return G_SOURCE_REMOVE;
}

static void
free_report(gpointer data)
{
    PinReport *report = data;

    scd_job_unref(report->job);
    g_free(report);
}

/* Called by the worker. */
static void
send_report_to_main(ScdJob *job, ScdPinEvent event, gpointer data)
{
    JobCall *call = data;
    PinReport *report = g_new(PinReport, 1);

    g_atomic_pointer_set(&call->reporter, g_thread_self());
    *report = (PinReport){scd_job_ref(job), event};
    scd_main_thread_invoke(handle_report_in_main, report, free_report);
}

void
scd_job_call_on_report(ScdJob *job, ScdJobCallReportFunc func, gpointer data,
                       GDestroyNotify free_data)
{
    JobCall *call = job->data;

    call->report = func;
    call->report_data = data;
    call->free_report_data = free_data;
    job->report = send_report_to_main;
}

void
scd_job_call_set_holder_query(ScdJob *job, const ScdHolderQuery *query)
{
    ((JobCall *)job->data)->holder = *query;
}

void
scd_job_call_refuse(ScdJob *job, const GError *error)
{
    JobCall *call = job->data;

    g_clear_pointer(&call->registered, scd_registered_call_free);
    scd_reply_error(g_steal_pointer(&call->invocation), error);
    scd_job_unref(job);
}

void
scd_job_call_add_input(ScdJob *job, GVariant *bytes)
{
    gsize length;
    gconstpointer data = g_variant_get_fixed_array(bytes, &length, 1);

    scd_bytes_list_add(&job->inputs, scd_secret_new(data, length));
}

static gboolean
read_options(ScdJob *job, GVariant *options, gboolean many, ScdOneShotOptions *one_shot,
             ScdCallOptions *call_options, GError **error)
{
    g_autofree const char **expect = NULL;
    const char *protocol = NULL;
    const char *disposition = "leave";
    ScdOption known[] = {
        {"follow", "b", &job->follow},
        SCD_CALL_OPTION_ROWS(*call_options),
        {NULL, NULL, NULL}, /* expect */
        {NULL, NULL, NULL}, /* protocol */
        {NULL, NULL, NULL}, /* disposition */
        {NULL, NULL, NULL},
    };
    guint n = 3;

    if (many)
        known[n++] = (ScdOption){"expect", "^a&s", &expect};
    if (one_shot) {
        known[n++] = (ScdOption){"protocol", "&s", &protocol};
        known[n++] = (ScdOption){"disposition", "&s", &disposition};
    }
    if (!scd_options_read(options, known, error))
        return FALSE;
    if (expect && !scd_expect_parse(expect, &job->expect, error))
        return FALSE;
    if (!one_shot)
        return TRUE;
    const char *protocols[] = {protocol, NULL};
    return scd_protocols_from_words(protocols, &one_shot->protocols, error) &&
           scd_disposition_from_word(disposition, &one_shot->disposition, error);
}

static gboolean
add_hex(ScdJob *job, GVariant *command, GError **error)
{
    gsize length;
    g_autofree guint8 *bytes =
        scd_hex_to_bytes(g_variant_get_string(command, NULL), &length, error);

    if (!bytes)
        return FALSE;
    scd_bytes_list_add(&job->inputs, scd_secret_new(bytes, length));
    explicit_bzero(bytes, length);
    return TRUE;
}

static gboolean
add_command(ScdJob *job, GVariant *command, GError **error)
{
    if (!g_variant_is_of_type(command, G_VARIANT_TYPE_STRING))
        scd_job_call_add_input(job, command);
    else if (!add_hex(job, command, error))
        return FALSE;
    return scd_command_check(
        g_bytes_get_size(scd_bytes_list_get(&job->inputs, job->inputs.length - 1)), error);
}

static gboolean
add_commands(ScdJob *job, GVariant *commands, GError **error)
{
    gsize n = g_variant_n_children(commands);

    if (n == 0 || n > SCD_SCRIPT_MAX_COMMANDS ||
        g_variant_get_size(commands) > SCD_SCRIPT_MAX_BYTES) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "A script must have 1 to %d commands with at most %d bytes in total",
                    SCD_SCRIPT_MAX_COMMANDS, SCD_SCRIPT_MAX_BYTES);
        return FALSE;
    }
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) command = g_variant_get_child_value(commands, i);
        if (!add_command(job, command, error)) {
            g_prefix_error(error, "Command %" G_GSIZE_FORMAT ": ", i + 1);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean
scd_job_call_read_script(ScdJob *job, GVariant *commands, GVariant *options,
                         ScdOneShotOptions *one_shot, ScdCallOptions *call_options, GError **error)
{
    gboolean many = g_variant_is_of_type(commands, G_VARIANT_TYPE("aay")) ||
                    g_variant_is_of_type(commands, G_VARIANT_TYPE_STRING_ARRAY);

    if (one_shot)
        *one_shot = (ScdOneShotOptions){SCD_PROTOCOL_ANY, SCD_DISPOSITION_LEAVE};
    if (options && !read_options(job, options, many, one_shot, call_options, error))
        return FALSE;
    return many ? add_commands(job, commands, error) : add_command(job, commands, error);
}
