/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/pending-call.h"

#include "bus/error.h"
#include "bus/reply.h"

/* How long a job of a call that does not wait may take to follow the one before it. */
#define CHAINED_WAIT_US (200 * G_TIME_SPAN_MILLISECOND)

struct ScdPendingCall {
    grefcount references;
    gboolean ended;
    const ScdPendingCallMethod *method;
    gpointer data;
    ScdPendingCallParts
        parts; /* invocation: NULL once taken, and once given to a method that replies itself */
    ScdReaderWatch watch;
    GCancellable *check; /* of the authorization */
    guint timer;
    gint64 wait_until;             /* without "timeout-ms": monotonic, microseconds */
    gint64 end_by;                 /* with it; SCD_JOB_NO_LIMIT without a limit */
    gboolean no_wait;              /* "timeout-ms" is 0 */
    gboolean has_limit;            /* "timeout-ms" was given */
    ScdRegisteredCall *registered; /* NULL without a call-id */
    ScdClient *client;             /* NULL until proceed() */
    guint leave;
    ScdUserCharge charge;
    ScdGrant grant;
};

ScdPendingCall *
scd_pending_call_ref(ScdPendingCall *call)
{
    g_ref_count_inc(&call->references);
    return call;
}

void
scd_pending_call_unref(ScdPendingCall *call)
{
    if (!g_ref_count_dec(&call->references))
        return;
    g_assert(call->ended && !call->parts.invocation);
    call->method->free_data(call->data);
    scd_user_charge_give_back(&call->charge);
    g_clear_pointer(&call->client, scd_client_unref);
    g_object_unref(call->check);
    g_free(call);
}

/* Returns the invocation, or NULL. The caller must then drop the call's own reference. */
static GDBusMethodInvocation *
stop_call(ScdPendingCall *call, const GError *error)
{
    call->ended = TRUE;
    g_clear_handle_id(&call->timer, g_source_remove);
    g_clear_pointer(&call->registered, scd_registered_call_free);
    g_cancellable_cancel(call->check);
    if (call->parts.reader)
        scd_reader_unwatch(call->parts.reader, &call->watch);
    if (call->leave)
        scd_client_remove_leave(call->client, call->leave);
    if (call->method->ended)
        call->method->ended(error, call->data);
    return g_steal_pointer(&call->parts.invocation);
}

GDBusMethodInvocation *
scd_pending_call_take_invocation(ScdPendingCall *call)
{
    g_assert(!call->ended && !call->method->replies_itself);
    GDBusMethodInvocation *invocation = stop_call(call, NULL);
    scd_pending_call_unref(call);
    return invocation;
}

void
scd_pending_call_end(ScdPendingCall *call)
{
    g_assert(call->method->replies_itself);
    if (call->ended)
        return;
    stop_call(call, NULL);
    scd_pending_call_unref(call);
}

void
scd_pending_call_fail(ScdPendingCall *call, const GError *error)
{
    if (call->ended)
        return;
    GDBusMethodInvocation *invocation = stop_call(call, error);
    if (invocation)
        scd_reply_error(invocation, error);
    scd_pending_call_unref(call);
}

/* Appends to the message of a call that is given up whether a command was sent. */
static GError *
add_sent_text(const ScdPendingCall *call, GError *error)
{
    gboolean sent = call->method->was_sent && call->method->was_sent(call->data);
    g_autoptr(GError) old = error;
    g_autofree char *message = g_strconcat(old->message, scd_call_error_sent_text(sent), NULL);

    return g_error_new_literal(SCD_ERROR, old->code, message);
}

/* Ends the call with an error that says whether a command was sent. */
static void
give_up(ScdPendingCall *call, ScdErrorCode code)
{
    g_autoptr(GError) error = NULL;

    if (call->ended)
        return;
    if (code == SCD_E_TIMEOUT && call->method->new_timeout_error)
        error = call->method->new_timeout_error(call->data);
    else if (call->parts.reader)
        error = scd_call_error_new(scd_reader_name(call->parts.reader), code);
    else
        error = g_error_new_literal(SCD_ERROR, code, scd_error_text(code));
    error = add_sent_text(call, error);
    scd_pending_call_fail(call, error);
}

void
scd_pending_call_fail_with_code(ScdPendingCall *call, ScdErrorCode code)
{
    g_autoptr(GError) error = NULL;

    if (call->ended)
        return;
    if (code == SCD_E_TIMEOUT || code == SCD_E_CANCELLED) {
        give_up(call, code);
        return;
    }
    error = scd_call_error_new(scd_reader_name(call->parts.reader), code);
    scd_pending_call_fail(call, error);
}

static void
handle_reader_left(ScdErrorCode why, gpointer data)
{
    scd_pending_call_fail_with_code(data, why);
}

static void
handle_card_left(gpointer data)
{
    ScdPendingCall *call = data;
    if (call->parts.needs_card)
        scd_pending_call_fail_with_code(call, SCD_W_REMOVED_CARD);
}

static void
handle_client_left(gpointer data)
{
    ScdPendingCall *call = data;
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_E_CANCELLED, "The client has left the bus");

    call->leave = 0;
    scd_pending_call_fail(call, error);
}

static gboolean
handle_timeout(gpointer data)
{
    ScdPendingCall *call = data;

    call->timer = 0;
    give_up(call, SCD_E_TIMEOUT);
    return G_SOURCE_REMOVE;
}

static void
cancel_call(gpointer data)
{
    give_up(data, SCD_E_CANCELLED);
}

static gboolean
charge_user(ScdPendingCall *call, ScdClient *client, GError **error)
{
    if (!call->parts.limit ||
        scd_user_charge_take(&call->charge, call->parts.limit, scd_client_uid(client), 1, error))
        return TRUE;
    scd_audit_client(call->parts.audit, SCD_AUDIT_LIMIT, client, NULL, (*error)->message);
    return FALSE;
}

static void
handle_authorization(ScdClient *client, const ScdGrant *grant, const GError *refusal, gpointer data)
{
    ScdPendingCall *call = data;
    g_autoptr(ScdClient) caller = client;
    g_autoptr(GError) error = NULL;

    if (!call->ended && refusal) {
        scd_pending_call_fail(call, refusal);
    } else if (!call->ended && !charge_user(call, caller, &error)) {
        scd_pending_call_fail(call, error);
    } else if (!call->ended) {
        call->client = g_steal_pointer(&caller);
        call->grant = *grant;
        call->leave = scd_client_on_leave(call->client, handle_client_left, call);
        call->method->proceed(call, call->data);
    }
    scd_pending_call_unref(call);
}

ScdPendingCall *
scd_pending_call_new(const ScdPendingCallMethod *method, gpointer data,
                     const ScdPendingCallParts *parts)
{
    ScdPendingCall *call = g_new0(ScdPendingCall, 1);

    g_ref_count_init(&call->references);
    call->method = method;
    call->data = data;
    call->parts = *parts;
    call->check = g_cancellable_new();
    call->watch = (ScdReaderWatch){handle_reader_left, handle_card_left, call};
    if (parts->reader)
        scd_reader_watch(parts->reader, &call->watch);
    return call;
}

/* Returns how long the call may be pending; SCD_TIMEOUT_NO_LIMIT for any time. */
static guint32
read_limits(ScdPendingCall *call, const ScdCallOptions *options)
{
    gint64 now = g_get_monotonic_time();
    guint32 timeout_ms;

    call->end_by = SCD_JOB_NO_LIMIT;
    call->has_limit = scd_call_options_get_timeout(options, &timeout_ms);
    call->no_wait = call->has_limit && timeout_ms == SCD_TIMEOUT_NO_WAIT;
    if (!call->has_limit || (call->no_wait && !call->method->waits_for_event))
        timeout_ms = call->parts.wait_limit_ms;
    else if (timeout_ms != SCD_TIMEOUT_NO_LIMIT)
        call->end_by = now + (gint64)timeout_ms * G_TIME_SPAN_MILLISECOND;
    call->wait_until = now + (gint64)timeout_ms * G_TIME_SPAN_MILLISECOND;
    return timeout_ms;
}

static gboolean
register_call(ScdPendingCall *call, GDBusMethodInvocation *invocation,
              const ScdCallOptions *options, GError **error)
{
    if (!options->call_id)
        return TRUE;
    call->registered = scd_call_registry_add(
        call->parts.registry, g_dbus_method_invocation_get_sender(invocation), options->call_id,
        cancel_call, scd_pending_call_ref(call), (GDestroyNotify)scd_pending_call_unref, error);
    return call->registered != NULL;
}

void
scd_pending_call_start(ScdPendingCall *call, const ScdCallOptions *options)
{
    GDBusMethodInvocation *invocation = call->parts.invocation;
    g_autoptr(GError) error = NULL;

    if (call->method->replies_itself)
        call->parts.invocation = NULL;
    guint32 timeout_ms = read_limits(call, options);
    if (!register_call(call, invocation, options, &error)) {
        scd_pending_call_fail(call, error);
        return;
    }
    if (timeout_ms != SCD_TIMEOUT_NO_LIMIT)
        call->timer = g_timeout_add(timeout_ms, handle_timeout, call);
    scd_authorization_check(call->parts.authorization, invocation, call->parts.reader, NULL,
                            call->check, handle_authorization, scd_pending_call_ref(call));
}

void
scd_pending_call_limit_job(ScdPendingCall *call, ScdJob *job)
{
    /* A chained job follows at once unless another PC/SC program has the card. */
    if (call->no_wait)
        job->wait_until = job->chained ? g_get_monotonic_time() + CHAINED_WAIT_US : SCD_JOB_NO_WAIT;
    else if (!call->has_limit)
        job->wait_until = call->wait_until;
    else
        job->end_by = call->end_by;
    if (call->no_wait || !call->has_limit)
        g_clear_handle_id(&call->timer, g_source_remove);
}

void
scd_pending_call_limit_wait(ScdPendingCall *call)
{
    if (!call->timer && (call->no_wait || !call->has_limit))
        call->timer = g_timeout_add(call->parts.wait_limit_ms, handle_timeout, call);
}

gboolean
scd_pending_call_has_ended(const ScdPendingCall *call)
{
    return call->ended;
}

ScdClient *
scd_pending_call_client(const ScdPendingCall *call)
{
    return call->client;
}

const ScdGrant *
scd_pending_call_grant(const ScdPendingCall *call)
{
    return &call->grant;
}
