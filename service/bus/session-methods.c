/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/methods.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/words.h"
#include "bus/bus-stream.h"
#include "bus/job-call.h"
#include "bus/options.h"
#include "bus/reply.h"
#include "pcsc/code.h"
#include "scd-interface-info.h"

typedef struct {
    ScdSessionKey session;
    ScdJob *job;
} JobCancellation;

static void
cancel_job(gpointer data)
{
    const JobCancellation *cancellation = data;
    ScdSession *session = scd_session_find(&cancellation->session);
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
    *cancellation = (JobCancellation){scd_session_key(session), scd_job_ref(job)};
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

/* For a call that is answered at once. Fails with SCD_INVALID_ARGS if the call-id is in use. */
static gboolean
is_call_id_free(const ScdSession *session, const ScdCallOptions *options, GError **error)
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
    const ScdHolderQuery query = scd_sessions_holder_query(
        scd_session_sessions(session), scd_session_client(session), scd_session_number(session));

    scd_job_call_set_holder_query(job, &query);
    scd_job_call_limit(job, options, get_wait_limit(session));
    return scd_job_call_charge(job, scd_session_quota(session)) &&
           register_job(session, job, options, cancel_job);
}

/*
 * The functions that submit a job take it over. If the session's quota is exhausted, or the call-id
 * is in use, they reply with the error.
 */
static void
submit_job(ScdSession *session, ScdJob *job, const ScdCallOptions *options)
{
    if (prepare_job(session, job, options))
        scd_job_queue_submit(scd_session_queue(session), job);
}

/* Submits the job after polkit has granted the action of the call. */
static void
submit_if_authorized(ScdSession *session, GDBusMethodInvocation *invocation, ScdJob *job,
                     const ScdCallOptions *options)
{
    if (!prepare_job(session, job, options))
        return;
    /* A job that must not wait for others waits for the user, like a call without a limit. */
    gint64 until =
        job->wait_until == SCD_JOB_NO_WAIT ? get_wait_limit(session) : scd_job_limit(job);
    scd_grants_request(scd_session_grants(session), invocation, job, until);
}

/*
 * Frees the session, which stays if the call-id is in use. If the call is cancelled, its job is
 * carried out all the same.
 */
static void
submit_close(ScdSession *session, ScdJob *job, const ScdCallOptions *options)
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
    ScdSession *session = scd_session_find(data);

    if (session && code == 0)
        scd_session_set_reconnected(session, TRUE);
}

static void
submit_reconnect(ScdSession *session, GDBusMethodInvocation *invocation, ScdJob *job,
                 const ScdCallOptions *options)
{
    ScdSessionKey *key = g_new(ScdSessionKey, 1);

    *key = scd_session_key(session);
    scd_job_call_on_end(job, handle_reconnected, key, g_free);
    submit_if_authorized(session, invocation, job, options);
}

/* The name of the key that the event is about; NULL: none. */
static const char *
get_key_name(ScdPinEvent event)
{
    switch (event) {
    case SCD_PIN_KEY_DIGIT:
        return "digit";
    case SCD_PIN_KEY_BACKSPACE:
        return "backspace";
    case SCD_PIN_KEY_ENTER:
        return "enter";
    case SCD_PIN_KEY_CANCEL:
        return "cancel";
    default:
        return NULL;
    }
}

static void
report_pin_event(ScdPinEvent event, gpointer data)
{
    const ScdSession *session = scd_session_find(data);
    const char *key = get_key_name(event);

    if (!session)
        return;
    if (key)
        scd_session_emit(session, "PinKeyPressed", g_variant_new("(s)", key));
    else if (event == SCD_PIN_ENDED)
        scd_session_emit(session, "PinEntryEnded", NULL);
    else
        scd_session_emit(session, "PinEntryStarted",
                         g_variant_new("(b)", event == SCD_PIN_STARTED_CANCELLABLE));
}

static void
submit_pin_entry(ScdSession *session, ScdJob *job, const ScdCallOptions *options)
{
    ScdSessionKey *key = g_new(ScdSessionKey, 1);

    *key = scd_session_key(session);
    scd_job_call_on_report(job, report_pin_event, key, g_free);
    submit_job(session, job, options);
}

static const char *
get_reader_name(const ScdSession *session)
{
    return scd_reader_name(scd_session_reader(session));
}

static gboolean
check_card(const ScdSession *session, GError **error)
{
    if (!scd_session_has_lost_card(session))
        return TRUE;
    g_propagate_error(error, scd_call_error_new(get_reader_name(session), SCD_W_REMOVED_CARD));
    return FALSE;
}

/* Returns TRUE if the error was sent. */
static gboolean
refuse_lost_card(const ScdSession *session, GDBusMethodInvocation *invocation)
{
    GError *error = NULL;

    if (check_card(session, &error))
        return FALSE;
    scd_reply_take_error(invocation, error);
    return TRUE;
}

/* Reads the options of the call, its last argument. Returns FALSE if the error was sent. */
static gboolean
read_call_options(GVariant *arguments, GDBusMethodInvocation *invocation, ScdCallOptions *options)
{
    g_autoptr(GVariant) dictionary =
        g_variant_get_child_value(arguments, g_variant_n_children(arguments) - 1);
    GError *error = NULL;

    if (scd_call_options_read(options, dictionary, &error))
        return TRUE;
    scd_reply_take_error(invocation, error);
    return FALSE;
}

static ScdJob *
new_job(const ScdSession *session, ScdJobKind kind, GDBusMethodInvocation *invocation,
        ScdReplyForm form)
{
    return scd_job_call_new(kind, invocation, get_reader_name(session), form);
}

static void
transmit_in_form(ScdSession *session, GVariant *arguments, GDBusMethodInvocation *invocation,
                 ScdReplyForm form)
{
    g_autoptr(GVariant) commands = g_variant_get_child_value(arguments, 0);
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 1);
    g_auto(ScdCallOptions) call_options = {0};
    g_autoptr(GError) error = NULL;

    ScdJob *job = new_job(session, SCD_JOB_TRANSMIT, invocation, form);
    if (scd_job_call_read_script(job, commands, options, NULL, &call_options, &error) &&
        check_card(session, &error))
        submit_job(session, job, &call_options);
    else
        scd_job_call_refuse(job, error);
}

static void
transmit(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    transmit_in_form(owner, arguments, invocation, SCD_REPLY_BYTES);
}

static void
transmit_many(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    transmit_in_form(owner, arguments, invocation, SCD_REPLY_BYTES_LIST);
}

static void
begin_transaction(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_auto(ScdCallOptions) options = {0};

    if (!read_call_options(arguments, invocation, &options) ||
        refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_BEGIN, invocation, SCD_REPLY_CARD_USED);
    submit_job(session, job, &options);
}

/* For methods whose first argument is a disposition. Returns NULL if the error was sent. */
static ScdJob *
new_job_with_disposition(ScdSession *session, ScdJobKind kind, GVariant *arguments,
                         GDBusMethodInvocation *invocation, ScdCallOptions *options)
{
    ScdDisposition disposition;
    GError *error = NULL;
    const char *word;

    if (!read_call_options(arguments, invocation, options))
        return NULL;
    g_variant_get_child(arguments, 0, "&s", &word);
    if (!scd_disposition_from_word(word, &disposition, &error)) {
        scd_reply_take_error(invocation, error);
        return NULL;
    }
    ScdJob *job = new_job(session, kind, invocation, SCD_REPLY_NOTHING);
    job->action = disposition;
    return job;
}

static void
end_transaction(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_auto(ScdCallOptions) options = {0};
    ScdJob *job = new_job_with_disposition(session, SCD_JOB_END, arguments, invocation, &options);

    if (job)
        submit_job(session, job, &options);
}

static void
get_status(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    const ScdReaderState *state = scd_reader_state(scd_session_reader(session));
    g_auto(ScdCallOptions) options = {0};

    if (!read_call_options(arguments, invocation, &options) ||
        refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_STATUS, invocation, SCD_REPLY_READY);
    GVariant *atr =
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, state->atr, state->atr_length, 1);
    scd_job_call_set_reply(
        job, g_variant_new("(sus@ay)", get_reader_name(session),
                           (guint32)scd_reader_bits(scd_session_reader(session)),
                           scd_protocol_to_word(scd_job_queue_protocol(scd_session_queue(session))),
                           atr));
    submit_job(session, job, &options);
}

static void
get_attribute(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_auto(ScdCallOptions) options = {0};

    if (!read_call_options(arguments, invocation, &options) ||
        refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_GET_ATTRIBUTE, invocation, SCD_REPLY_BYTES);
    g_variant_get_child(arguments, 0, "u", &job->number);
    submit_job(session, job, &options);
}

static void
enter_pin(ScdSession *session, ScdPinOperation operation, GVariant *arguments,
          GDBusMethodInvocation *invocation)
{
    g_autoptr(GVariant) template = g_variant_get_child_value(arguments, 0);
    g_autoptr(GVariant) format = g_variant_get_child_value(arguments, 1);
    g_autoptr(GVariant) dictionary = g_variant_get_child_value(arguments, 2);
    g_auto(ScdCallOptions) options = {0};
    g_autoptr(GError) error = NULL;
    ScdJob *job = new_job(session, SCD_JOB_ENTER_PIN, invocation, SCD_REPLY_PIN);

    job->number = operation;
    if (scd_pin_call_read(job, template, format, &error) &&
        scd_call_options_read(&options, dictionary, &error) && check_card(session, &error))
        submit_pin_entry(session, job, &options);
    else
        scd_job_call_refuse(job, error);
}

static void
verify_pin(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    enter_pin(owner, SCD_PIN_VERIFY, arguments, invocation);
}

static void
modify_pin(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    enter_pin(owner, SCD_PIN_MODIFY, arguments, invocation);
}

static void
control(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_autoptr(GVariant) data = g_variant_get_child_value(arguments, 1);
    g_auto(ScdCallOptions) options = {0};

    if (!read_call_options(arguments, invocation, &options) ||
        refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_CONTROL, invocation, SCD_REPLY_BYTES);
    g_variant_get_child(arguments, 0, "u", &job->number);
    scd_job_call_add_input(job, data);
    submit_if_authorized(session, invocation, job, &options);
}

static void
set_attribute(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_autoptr(GVariant) value = g_variant_get_child_value(arguments, 1);
    g_auto(ScdCallOptions) options = {0};

    if (!read_call_options(arguments, invocation, &options) ||
        refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_SET_ATTRIBUTE, invocation, SCD_REPLY_NOTHING);
    g_variant_get_child(arguments, 0, "u", &job->number);
    scd_job_call_add_input(job, value);
    submit_if_authorized(session, invocation, job, &options);
}

static void
reconnect(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_autofree const char **words = NULL;
    const char *share_mode_word, *initialization_word;
    ScdShareMode share_mode;
    ScdProtocol protocols;
    ScdDisposition initialization;
    g_auto(ScdCallOptions) options = {0};
    GError *error = NULL;

    if (!read_call_options(arguments, invocation, &options))
        return;
    g_variant_get(arguments, "(&s^a&s&s@a{sv})", &share_mode_word, &words, &initialization_word,
                  NULL);
    if (!scd_share_mode_from_word(share_mode_word, &share_mode, &error) ||
        !scd_protocols_from_words(words, &protocols, &error) ||
        !scd_initialization_from_word(initialization_word, &initialization, &error)) {
        scd_reply_take_error(invocation, error);
        return;
    }
    if (refuse_lost_card(session, invocation))
        return;
    ScdJob *job = new_job(session, SCD_JOB_RECONNECT, invocation, SCD_REPLY_PROTOCOL);
    job->share_mode = share_mode;
    job->protocols = protocols;
    job->action = initialization;
    submit_reconnect(session, invocation, job, &options);
}

/* Returns the end for the client. Both ends close on exec. */
static GUnixFDList *
new_channel(ScdSession *session, gboolean finds_cause, GError **error)
{
    ScdUserCharge charge = {0};
    int ends[2];

    if (!scd_user_charge_take_from(&charge, scd_quota_account(scd_session_quota(session)),
                                   SCD_CHANNEL_COST, error))
        return NULL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        g_set_error(error, SCD_ERROR, SCD_LIMITS_EXCEEDED, "Cannot create a channel: %s",
                    g_strerror(errno));
        scd_user_charge_give_back(&charge);
        return NULL;
    }
    if (!scd_job_queue_open_channel(scd_session_queue(session), ends[0], finds_cause, &charge)) {
        g_set_error_literal(error, SCD_ERROR, SCD_LIMITS_EXCEEDED,
                            "The session already has a channel: close that one first");
        scd_user_charge_give_back(&charge);
        close(ends[0]);
        close(ends[1]);
        return NULL;
    }
    return g_unix_fd_list_new_from_array(&ends[1], 1);
}

/* GDBus writes no descriptors to the stream of the bus, which takes the reply instead. */
static void
reply_with_channel(GDBusMethodInvocation *invocation, GUnixFDList *list)
{
    g_autoptr(GDBusMessage) reply =
        g_dbus_message_new_method_reply(g_dbus_method_invocation_get_message(invocation));
    ScdBusStream *stream = scd_bus_get_stream(g_dbus_method_invocation_get_connection(invocation));
    GError *error = NULL;

    g_dbus_message_set_body(reply, g_variant_new("(h)", 0));
    g_dbus_message_set_unix_fd_list(reply, list);
    if (scd_bus_stream_reply(stream, reply, &error))
        g_object_unref(invocation);
    else
        scd_reply_take_error(invocation, error);
}

static void
open_channel(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_auto(ScdCallOptions) options = {0};
    g_autoptr(GVariant) dictionary = g_variant_get_child_value(arguments, 0);
    g_autoptr(GUnixFDList) list = NULL;
    gboolean finds_cause = FALSE;
    const ScdOption known[] = {
        {"find-cause", "b", &finds_cause}, SCD_CALL_OPTION_ROWS(options), {NULL, NULL, NULL}};
    GError *error = NULL;

    if (!scd_options_read(dictionary, known, &error) || !scd_call_options_check(&options, &error)) {
        scd_reply_take_error(invocation, error);
        return;
    }
    if (refuse_lost_card(session, invocation))
        return;
    if (is_call_id_free(session, &options, &error))
        list = new_channel(session, finds_cause, &error);
    if (list)
        reply_with_channel(invocation, list);
    else
        scd_reply_take_error(invocation, error);
}

static void
close_session(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdSession *session = owner;
    g_auto(ScdCallOptions) options = {0};
    ScdJob *job =
        new_job_with_disposition(session, SCD_JOB_DISCONNECT, arguments, invocation, &options);

    if (job)
        submit_close(session, job, &options);
}

static const ScdMethod methods[] = {
    {"Transmit", transmit},
    {"TransmitMany", transmit_many},
    {"BeginTransaction", begin_transaction},
    {"EndTransaction", end_transaction},
    {"Reconnect", reconnect},
    {"GetStatus", get_status},
    {"VerifyPin", verify_pin},
    {"ModifyPin", modify_pin},
    {"Control", control},
    {"GetAttribute", get_attribute},
    {"SetAttribute", set_attribute},
    {"OpenChannel", open_channel},
    {"Close", close_session},
    {NULL, NULL},
};

const ScdInterface scd_session_methods = {&scd_session_interface, methods,
                                          scd_session_refresh_properties};
