/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/opening.h"

#include "base/words.h"
#include "bus/admission.h"
#include "bus/call.h"
#include "bus/error.h"
#include "bus/options.h"
#include "bus/patience.h"
#include "bus/session.h"
#include "pcsc/code.h"
#include "pcsc/main-call.h"

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
    ScdHandle *handle;
} Opening;

static void
release(Opening *opening)
{
    if (!g_ref_count_dec(&opening->references))
        return;
    g_object_unref(opening->questions);
    g_clear_pointer(&opening->client, scd_client_unref);
    scd_user_charge_give_back(&opening->charge);
    g_clear_pointer(&opening->atr, g_bytes_unref);
    g_free(opening);
}

/* Nothing that comes later finds the opening any more. */
static GDBusMethodInvocation *
finish(Opening *opening)
{
    g_clear_handle_id(&opening->timer, g_source_remove);
    g_cancellable_cancel(opening->questions);
    scd_reader_unwatch(opening->reader, &opening->watch);
    if (opening->leave)
        scd_client_remove_leave(opening->client, opening->leave);
    return g_steal_pointer(&opening->invocation);
}

static void
abandon_handle(Opening *opening, guint32 code)
{
    ScdHandle *handle = g_steal_pointer(&opening->handle);
    if (handle)
        scd_handle_close(handle, scd_job_new(SCD_JOB_DISCONNECT, NULL, NULL, NULL), code);
}

static void
fail(Opening *opening, ScdErrorCode error)
{
    guint32 code = scd_code_of_error(error);
    GDBusMethodInvocation *invocation = finish(opening);

    scd_call_fail(invocation, scd_reader_name(opening->reader), code);
    abandon_handle(opening, code);
    release(opening);
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
    Opening *opening = data;
    if (opening->atr)
        fail(opening, SCD_W_REMOVED_CARD);
}

static void
client_left(gpointer data)
{
    Opening *opening = data;
    opening->leave = 0;
    fail(opening, SCD_E_CANCELLED);
}

static gboolean
time_over(gpointer data)
{
    Opening *opening = data;
    opening->timer = 0;
    fail(opening, SCD_E_TIMEOUT);
    return G_SOURCE_REMOVE;
}

typedef struct {
    Opening *opening;
    guint32 code;
    guint32 protocol;
} Connected;

static void
become_session(Opening *opening, guint32 protocol)
{
    const ScdCard *card = scd_reader_card(opening->reader);
    GDBusMethodInvocation *invocation = finish(opening);
    ScdSessionParts parts = {
        .reader = opening->reader,
        .card_path = card ? scd_card_path(card) : "/",
        .atr = opening->atr,
        .client = g_steal_pointer(&opening->client),
        .authenticated = opening->authenticated,
        .quiet = opening->quiet,
        .handle = g_steal_pointer(&opening->handle),
        .charge = opening->charge,
    };
    opening->charge = (ScdUserCharge){0};
    ScdSession *session = scd_session_new(opening->sessions, &parts);

    g_dbus_method_invocation_return_value(
        invocation,
        g_variant_new("(os)", scd_session_path(session), scd_protocol_to_word(protocol)));
    if (opening->rules != scd_sessions_rules(opening->sessions))
        scd_session_recheck(session);
    release(opening);
}

static gboolean
connected_in_main(gpointer data)
{
    Connected *connected = data;
    Opening *opening = connected->opening;

    if (!opening->invocation)
        return G_SOURCE_REMOVE;
    if (connected->code == 0)
        become_session(opening, connected->protocol);
    else
        fail(opening, scd_code_to_error(connected->code));
    return G_SOURCE_REMOVE;
}

static void
free_connected(gpointer data)
{
    Connected *connected = data;
    release(connected->opening);
    g_free(connected);
}

static void
connect_done(ScdJob *job, guint32 code, gpointer data)
{
    Connected *connected = g_new(Connected, 1);
    *connected = (Connected){data, code, code == 0 ? job->protocol : 0};
    scd_main_call(connected_in_main, connected, free_connected);
}

static void
connect_card(Opening *opening)
{
    GError *error = NULL;

    opening->handle =
        scd_sessions_new_handle(opening->sessions, opening->client,
                                scd_reader_name(opening->reader), &opening->charge, &error);
    if (!opening->handle) {
        g_dbus_method_invocation_take_error(finish(opening), error);
        release(opening);
        return;
    }
    opening->leave = scd_client_on_leave(opening->client, client_left, opening);
    g_ref_count_inc(&opening->references);
    ScdJob *job = scd_job_new(SCD_JOB_CONNECT, connect_done, opening, NULL);
    job->share_mode = opening->share_mode;
    job->protocols = opening->protocols;
    if (opening->atr)
        scd_bytes_list_add(&job->inputs, g_bytes_ref(opening->atr));
    scd_handle_submit(opening->handle, job);
}

static void
admitted(ScdClient *client, gboolean authenticated, const GError *error, gpointer data)
{
    Opening *opening = data;
    g_autoptr(ScdClient) caller = client;

    if (opening->invocation && error) {
        g_dbus_method_invocation_return_gerror(finish(opening), error);
        release(opening);
    } else if (opening->invocation) {
        opening->client = g_steal_pointer(&caller);
        opening->authenticated = authenticated;
        opening->rules = scd_sessions_rules(opening->sessions);
        connect_card(opening);
    }
    release(opening);
}

static gboolean
read_arguments(Opening *opening, GVariant *arguments, guint32 *timeout_ms, GError **error)
{
    g_autofree const char **protocols = NULL;
    g_autoptr(GVariant) options = NULL;
    const char *share_mode;
    const ScdOption known[] = {
        {"timeout-ms", "u", timeout_ms}, {"quiet", "b", &opening->quiet}, {NULL, NULL, NULL}};

    g_variant_get(arguments, "(&s^a&s@a{sv})", &share_mode, &protocols, &options);
    return scd_share_mode_from_word(share_mode, &opening->share_mode, error) &&
           scd_protocols_from_words(protocols, &opening->protocols, error) &&
           scd_options_read(options, known, error);
}

void
scd_opening_start(ScdSessions *sessions, ScdReader *reader, const ScdCard *card,
                  GVariant *arguments, GDBusMethodInvocation *invocation)
{
    Opening *opening = g_new0(Opening, 1);
    guint32 timeout_ms = SCD_NO_TIMEOUT;
    GError *error = NULL;

    if (!read_arguments(opening, arguments, &timeout_ms, &error)) {
        g_dbus_method_invocation_take_error(invocation, error);
        g_free(opening);
        return;
    }
    g_ref_count_init(&opening->references);
    opening->sessions = sessions;
    opening->invocation = invocation;
    opening->reader = reader;
    opening->atr = card ? scd_reader_dup_atr(reader) : NULL;
    opening->questions = g_cancellable_new();
    opening->watch = (ScdReaderWatch){reader_left, card_left, opening};
    scd_reader_watch(reader, &opening->watch);
    if (timeout_ms != SCD_NO_TIMEOUT)
        opening->timer = g_timeout_add(timeout_ms, time_over, opening);

    g_ref_count_inc(&opening->references);
    scd_admission_ask(scd_sessions_admission(sessions), invocation, reader, opening->questions,
                      admitted, opening);
}
