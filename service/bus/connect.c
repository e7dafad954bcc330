/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/connect.h"

#include "base/words.h"
#include "bus/admission.h"
#include "bus/call.h"
#include "bus/error.h"
#include "bus/job-timeout.h"
#include "bus/options.h"
#include "bus/session.h"
#include "pcsc/code.h"
#include "pcsc/main-thread.h"

typedef struct {
    grefcount references; /* one for whoever ends it, one for what is under way */
    ScdSessions *sessions;
    GDBusMethodInvocation *invocation; /* NULL when it has been answered: all is over then */
    ScdReader *reader;
    ScdReaderWatch watch;
    GBytes *atr; /* of the only card that is meant, or NULL */
    ScdShareMode share_mode;
    ScdProtocol protocols;
    gboolean quiet;
    guint timer;
    GCancellable *questions;
    ScdClient *client;
    gboolean authenticated; /* it needed that to be allowed */
    guint rules;            /* under which it was */
    guint leave;
    ScdUserCharge charge;
    ScdJobQueue *handle;
} ConnectCall;

static void
release(ConnectCall *connect)
{
    if (!g_ref_count_dec(&connect->references))
        return;
    g_object_unref(connect->questions);
    g_clear_pointer(&connect->client, scd_client_unref);
    scd_user_charge_give_back(&connect->charge);
    g_clear_pointer(&connect->atr, g_bytes_unref);
    g_free(connect);
}

/* Nothing that comes later finds the connect any more. */
static GDBusMethodInvocation *
finish(ConnectCall *connect)
{
    g_clear_handle_id(&connect->timer, g_source_remove);
    g_cancellable_cancel(connect->questions);
    scd_reader_unwatch(connect->reader, &connect->watch);
    if (connect->leave)
        scd_client_remove_leave(connect->client, connect->leave);
    return g_steal_pointer(&connect->invocation);
}

static void
abandon_handle(ConnectCall *connect, guint32 code)
{
    ScdJobQueue *handle = g_steal_pointer(&connect->handle);
    if (handle)
        scd_job_queue_close(handle, scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL), code);
}

static void
fail(ConnectCall *connect, ScdErrorCode error)
{
    guint32 code = scd_code_of_error(error);
    GDBusMethodInvocation *invocation = finish(connect);

    scd_call_fail(invocation, scd_reader_name(connect->reader), code);
    abandon_handle(connect, code);
    release(connect);
}

static void
reader_left(ScdSessionEnd why, gpointer data)
{
    fail(data,
         why == SCD_SESSION_SERVICE_UNAVAILABLE ? SCD_E_NO_SERVICE : SCD_E_READER_UNAVAILABLE);
}

static void
card_left(gpointer data)
{
    ConnectCall *connect = data;
    if (connect->atr)
        fail(connect, SCD_W_REMOVED_CARD);
}

static void
client_left(gpointer data)
{
    ConnectCall *connect = data;
    connect->leave = 0;
    fail(connect, SCD_E_CANCELLED);
}

static gboolean
time_over(gpointer data)
{
    ConnectCall *connect = data;
    connect->timer = 0;
    fail(connect, SCD_E_TIMEOUT);
    return G_SOURCE_REMOVE;
}

typedef struct {
    ConnectCall *connect;
    guint32 code;
    guint32 protocol;
} Connected;

static void
become_session(ConnectCall *connect, guint32 protocol)
{
    const ScdCard *card = scd_reader_card(connect->reader);
    GDBusMethodInvocation *invocation = finish(connect);
    ScdSessionParts parts = {
        .reader = connect->reader,
        .card_path = card ? scd_card_path(card) : "/",
        .atr = connect->atr,
        .client = g_steal_pointer(&connect->client),
        .authenticated = connect->authenticated,
        .quiet = connect->quiet,
        .handle = g_steal_pointer(&connect->handle),
        .charge = connect->charge,
    };
    connect->charge = (ScdUserCharge){0};
    ScdSession *session = scd_session_new(connect->sessions, &parts);

    g_dbus_method_invocation_return_value(
        invocation,
        g_variant_new("(os)", scd_session_path(session), scd_protocol_to_word(protocol)));
    if (connect->rules != scd_sessions_rules(connect->sessions))
        scd_session_recheck(session);
    release(connect);
}

static gboolean
connected_in_main(gpointer data)
{
    Connected *connected = data;
    ConnectCall *connect = connected->connect;

    if (!connect->invocation)
        return G_SOURCE_REMOVE;
    if (connected->code == 0)
        become_session(connect, connected->protocol);
    else
        fail(connect, scd_code_to_error(connected->code));
    return G_SOURCE_REMOVE;
}

static void
free_connected(gpointer data)
{
    Connected *connected = data;
    release(connected->connect);
    g_free(connected);
}

static void
connect_done(ScdJob *job, guint32 code, gpointer data)
{
    Connected *connected = g_new(Connected, 1);
    *connected = (Connected){data, code, code == 0 ? job->protocol : 0};
    scd_main_thread_invoke(connected_in_main, connected, free_connected);
}

static void
connect_card(ConnectCall *connect)
{
    GError *error = NULL;

    connect->handle =
        scd_sessions_new_queue(connect->sessions, connect->client, scd_reader_name(connect->reader),
                               &connect->charge, &error);
    if (!connect->handle) {
        g_dbus_method_invocation_take_error(finish(connect), error);
        release(connect);
        return;
    }
    connect->leave = scd_client_on_leave(connect->client, client_left, connect);
    g_ref_count_inc(&connect->references);
    ScdJob *job = scd_job_new(SCD_JOB_CONNECT, connect_done, connect, NULL);
    job->share_mode = connect->share_mode;
    job->protocols = connect->protocols;
    if (connect->atr)
        scd_bytes_list_add(&job->inputs, g_bytes_ref(connect->atr));
    scd_job_queue_submit(connect->handle, job);
}

static void
admitted(ScdClient *client, gboolean authenticated, const GError *error, gpointer data)
{
    ConnectCall *connect = data;
    g_autoptr(ScdClient) caller = client;

    if (connect->invocation && error) {
        g_dbus_method_invocation_return_gerror(finish(connect), error);
        release(connect);
    } else if (connect->invocation) {
        connect->client = g_steal_pointer(&caller);
        connect->authenticated = authenticated;
        connect->rules = scd_sessions_rules(connect->sessions);
        connect_card(connect);
    }
    release(connect);
}

static gboolean
read_arguments(ConnectCall *connect, GVariant *arguments, guint32 *timeout_ms, GError **error)
{
    g_autofree const char **protocols = NULL;
    g_autoptr(GVariant) options = NULL;
    const char *share_mode;
    const ScdOption known[] = {
        {"timeout-ms", "u", timeout_ms}, {"quiet", "b", &connect->quiet}, {NULL, NULL, NULL}};

    g_variant_get(arguments, "(&s^a&s@a{sv})", &share_mode, &protocols, &options);
    return scd_share_mode_from_word(share_mode, &connect->share_mode, error) &&
           scd_protocols_from_words(protocols, &connect->protocols, error) &&
           scd_options_read(options, known, error);
}

void
scd_connect_start(ScdSessions *sessions, ScdReader *reader, const ScdCard *card,
                  GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ConnectCall *connect = g_new0(ConnectCall, 1);
    guint32 timeout_ms = SCD_NO_TIMEOUT;
    GError *error = NULL;

    if (!read_arguments(connect, arguments, &timeout_ms, &error)) {
        g_dbus_method_invocation_take_error(invocation, error);
        g_free(connect);
        return;
    }
    g_ref_count_init(&connect->references);
    connect->sessions = sessions;
    connect->invocation = invocation;
    connect->reader = reader;
    connect->atr = card ? scd_reader_dup_atr(reader) : NULL;
    connect->questions = g_cancellable_new();
    connect->watch = (ScdReaderWatch){reader_left, card_left, connect};
    scd_reader_watch(reader, &connect->watch);
    if (timeout_ms != SCD_NO_TIMEOUT)
        connect->timer = g_timeout_add(timeout_ms, time_over, connect);

    g_ref_count_inc(&connect->references);
    scd_admission_ask(scd_sessions_admission(sessions), invocation, reader, connect->questions,
                      admitted, connect);
}
