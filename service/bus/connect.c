/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/methods.h"

#include "base/words.h"
#include "bus/bus-stream.h"
#include "bus/error.h"
#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/reply.h"
#include "pcsc/code.h"
#include "pcsc/main-thread.h"

typedef struct {
    ScdSessions *sessions;
    ScdReader *reader;
    GBytes *atr; /* of the only card to connect to; NULL: any card */
    ScdShareMode share_mode;
    ScdProtocol protocols;
    gboolean quiet;
    ScdUserCharge charge;
    ScdPendingCall *call; /* valid until it has ended */
    ScdJobQueue *queue;   /* NULL before the authorization, and once the session has it */
    ScdGrants *grants;    /* likewise */
    gboolean connected;   /* the reply waits for the authorization, which is checked again */
    guint32 protocol;
} ConnectCall;

static void
free_connect(gpointer data)
{
    ConnectCall *connect = data;

    g_assert(!connect->queue && !connect->grants);
    scd_user_charge_give_back(&connect->charge);
    g_clear_pointer(&connect->atr, g_bytes_unref);
    g_free(connect);
}

static void
handle_ended(const GError *error, gpointer data)
{
    ConnectCall *connect = data;

    if (!error || !connect->queue)
        return;
    scd_grants_end(g_steal_pointer(&connect->grants), scd_code_of_error(error->code));
    scd_job_queue_close(g_steal_pointer(&connect->queue),
                        scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL),
                        scd_code_of_error(error->code));
}

static void
make_session(ConnectCall *connect)
{
    ScdPendingCall *call = connect->call;
    GDBusConnection *bus = scd_sessions_parts(connect->sessions)->bus;
    const ScdCard *card = scd_reader_card(connect->reader);
    ScdSessionParts parts = {
        .reader = connect->reader,
        .card_path = card ? scd_card_path(card) : "/",
        .atr = connect->atr,
        .client = scd_client_ref(scd_pending_call_client(call)),
        .grants = g_steal_pointer(&connect->grants),
        .quiet = connect->quiet,
        .queue = g_steal_pointer(&connect->queue),
        .charge = connect->charge,
    };

    connect->charge = (ScdUserCharge){0};
    scd_bus_hold(bus);
    ScdSession *session = scd_session_new(connect->sessions, &parts);
    GVariant *reply =
        g_variant_new("(os)", scd_session_path(session), scd_protocol_to_word(connect->protocol));

    scd_reply(scd_pending_call_take_invocation(call), reply);
    scd_bus_release(bus);
}

static ScdAction
get_required_action(gpointer data)
{
    ConnectCall *connect = data;
    return scd_action_for_share_mode(connect->share_mode);
}

static void
handle_revoked(gpointer data)
{
    ConnectCall *connect = data;
    g_autoptr(GError) error = scd_action_new_refusal(get_required_action(connect), SCD_VERDICT_NO,
                                                     scd_reader_name(connect->reader));

    scd_pending_call_fail(connect->call, error);
}

static void
handle_settled(gpointer data)
{
    ConnectCall *connect = data;

    if (connect->connected)
        make_session(connect);
}

/* The result of the job, on its way from the worker to the main thread. */
typedef struct {
    ScdPendingCall *call; /* a reference */
    ConnectCall *connect;
    guint32 code;
    guint32 protocol;
} ConnectResult;

static void
fail_with_result(const ConnectResult *result)
{
    const char *reader = scd_reader_name(result->connect->reader);
    const ScdHolderQuery query = scd_sessions_holder_query(
        result->connect->sessions, scd_pending_call_client(result->call), 0);
    ScdErrorCode code = scd_code_to_error(result->code);
    g_autofree char *holder = scd_holder_query_describe(&query, reader, code);

    if (!holder) {
        scd_pending_call_fail_with_code(result->call, code);
        return;
    }
    g_autoptr(GError) error = scd_call_error_new_with(reader, "", code, holder);
    scd_pending_call_fail(result->call, error);
}

static gboolean
handle_result_in_main(gpointer data)
{
    ConnectResult *result = data;

    if (scd_pending_call_has_ended(result->call))
        return G_SOURCE_REMOVE;
    if (result->code != 0) {
        fail_with_result(result);
        return G_SOURCE_REMOVE;
    }
    result->connect->connected = TRUE;
    result->connect->protocol = result->protocol;
    if (scd_grants_is_pending(result->connect->grants))
        scd_pending_call_limit_wait(result->call);
    else
        make_session(result->connect);
    return G_SOURCE_REMOVE;
}

static void
free_result(gpointer data)
{
    ConnectResult *result = data;

    scd_pending_call_unref(result->call);
    g_free(result);
}

/* Called by the thread that ended the job. */
static void
send_result_to_main(ScdJob *job, guint32 code, gpointer data)
{
    ConnectResult *result = data;

    result->code = code;
    result->protocol = code == 0 ? job->protocol : 0;
    scd_main_thread_invoke(handle_result_in_main, result, free_result);
}

static void
make_grants(ScdPendingCall *call, ConnectCall *connect)
{
    const ScdGrantsOwner owner = {.get_required = get_required_action,
                                  .revoked = handle_revoked,
                                  .settled = handle_settled,
                                  .data = connect};

    connect->call = call;
    connect->grants =
        scd_grants_new(scd_sessions_authorization(connect->sessions), scd_pending_call_client(call),
                       connect->reader, connect->queue, &owner);
    if (scd_pending_call_grant(call)->authenticated)
        scd_grants_set_authenticated(connect->grants, get_required_action(connect));
}

static void
connect_card(ScdPendingCall *call, gpointer data)
{
    ConnectCall *connect = data;
    g_autoptr(GError) error = NULL;

    connect->queue =
        scd_sessions_new_queue(connect->sessions, scd_pending_call_client(call),
                               scd_reader_pcsc_name(connect->reader), &connect->charge, &error);
    if (!connect->queue) {
        scd_pending_call_fail(call, error);
        return;
    }
    make_grants(call, connect);
    ConnectResult *result = g_new0(ConnectResult, 1);
    result->call = scd_pending_call_ref(call);
    result->connect = connect;
    ScdJob *job = scd_job_new(SCD_JOB_CONNECT, send_result_to_main, result, NULL);
    job->share_mode = connect->share_mode;
    job->protocols = connect->protocols;
    if (connect->atr)
        scd_bytes_list_add(&job->inputs, g_bytes_ref(connect->atr));
    scd_pending_call_limit_job(call, job);
    scd_job_queue_submit(connect->queue, job);
}

static const ScdPendingCallMethod connect_method = {
    .proceed = connect_card,
    .ended = handle_ended,
    .free_data = free_connect,
};

static gboolean
read_arguments(ConnectCall *connect, GVariant *arguments, GVariant *options,
               ScdCallOptions *call_options, GError **error)
{
    g_autofree const char **protocols = NULL;
    const char *share_mode;
    const ScdOption known[] = {
        SCD_CALL_OPTION_ROWS(*call_options), {"quiet", "b", &connect->quiet}, {NULL, NULL, NULL}};

    g_variant_get(arguments, "(&s^a&s@a{sv})", &share_mode, &protocols, NULL);
    return scd_share_mode_from_word(share_mode, &connect->share_mode, error) &&
           scd_protocols_from_words(protocols, &connect->protocols, error) &&
           scd_options_read(options, known, error);
}

void
scd_connect_start(ScdSessions *sessions, ScdReader *reader, const ScdCard *card,
                  GVariant *arguments, GDBusMethodInvocation *invocation)
{
    g_autofree ConnectCall *connect = g_new0(ConnectCall, 1);
    const ScdPendingCallParts parts = {
        .authorization = scd_sessions_authorization(sessions),
        .invocation = invocation,
        .reader = reader,
        .needs_card = card != NULL,
        .registry = scd_sessions_registry(sessions),
        .wait_limit_ms = scd_sessions_wait_limit_ms(sessions),
    };
    g_auto(ScdCallOptions) call_options = {0};
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 2);
    GError *error = NULL;

    if (!read_arguments(connect, arguments, options, &call_options, &error)) {
        scd_reply_take_error(invocation, error);
        return;
    }
    connect->sessions = sessions;
    connect->reader = reader;
    connect->atr = card ? scd_reader_dup_atr(reader) : NULL;
    scd_pending_call_start(scd_pending_call_new(&connect_method, g_steal_pointer(&connect), &parts),
                           &call_options);
}
