/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exchange.h"

#include <string.h>

#include "error.h"
#include "secret.h"
#include "wait.h"
#include "words.h"

static const char *const operation_names[] = {
    [SCD_FRAME_TRANSMIT] = "transmit",
    [SCD_FRAME_CONTROL] = "control",
    [SCD_FRAME_GET_ATTRIBUTE] = "get-attribute",
    [SCD_FRAME_BEGIN] = "begin",
    [SCD_FRAME_END] = "end",
};

static void
prepare_request(SmartcarddSession *session, SmartcarddRequest *request)
{
    request->in_transaction = smartcardd_session_is_in_transaction(session);
    if (smartcardd_trace_is_on())
        smartcardd_trace_command(session->path, operation_names[request->operation], request->parts,
                                 request->n_parts);
}

static void
trace_result(SmartcarddSession *session, const SmartcarddRequest *request)
{
    g_autoptr(GError) error = NULL;

    if (!smartcardd_trace_is_on())
        return;
    smartcardd_request_check(request, &error);
    smartcardd_trace_response(session->path, request->response, error ? error->message : NULL);
}

/* The reference of a call over the bus to its request. */
typedef struct {
    SmartcarddSession *session;
    SmartcarddRequest *request;
} BusExchange;

static BusExchange *
new_bus_exchange(SmartcarddSession *session, SmartcarddRequest *request)
{
    BusExchange *exchange = g_new(BusExchange, 1);

    exchange->session = g_object_ref(session);
    exchange->request = smartcardd_request_ref(request);
    return exchange;
}

static void
free_bus_exchange(BusExchange *exchange)
{
    g_object_unref(exchange->session);
    smartcardd_request_unref(exchange->request);
    g_free(exchange);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BusExchange, free_bus_exchange)

static GVariant *
new_byte_array(const SmartcarddRequest *request)
{
    gsize length = 0;
    guint8 *at;

    for (guint i = 0; i < request->n_parts; i++)
        length += request->parts[i].length;
    g_autoptr(GBytes) bytes = smartcardd_secret_new_empty(length, &at);
    for (guint i = 0; i < request->n_parts; i++) {
        memcpy(at, request->parts[i].data, request->parts[i].length);
        at += request->parts[i].length;
    }
    return g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GVariant *
new_bus_arguments(const SmartcarddRequest *request)
{
    switch (request->operation) {
    case SCD_FRAME_TRANSMIT:
        return g_variant_new("(@ay)", new_byte_array(request));
    case SCD_FRAME_CONTROL:
        return g_variant_new("(u@ay)", request->argument, new_byte_array(request));
    case SCD_FRAME_GET_ATTRIBUTE:
        return g_variant_new("(u)", request->argument);
    case SCD_FRAME_END:
        return g_variant_new("(s)",
                             smartcardd_disposition_word((SmartcarddDisposition)request->argument));
    default:
        return NULL;
    }
}

/* An older service does not say whether others have used the card. */
static guint32
get_card_used(GVariant *reply)
{
    gboolean card_used = TRUE;

    if (g_variant_is_of_type(reply, G_VARIANT_TYPE("(b)")))
        g_variant_get(reply, "(b)", &card_used);
    return (guint32)card_used;
}

static gboolean
returns_bytes(const SmartcarddRequest *request)
{
    return request->operation != SCD_FRAME_BEGIN && request->operation != SCD_FRAME_END;
}

static void
handle_bus_reply(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(BusExchange) exchange = data;
    SmartcarddRequest *request = exchange->request;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &request->error);

    if (reply && g_variant_is_of_type(reply, G_VARIANT_TYPE("(ay)"))) {
        gsize length;
        g_autoptr(GVariant) value = g_variant_get_child_value(reply, 0);
        gconstpointer bytes = g_variant_get_fixed_array(value, &length, 1);
        request->response = smartcardd_secret_new(bytes, length);
    } else if (reply && returns_bytes(request)) {
        smartcardd_error_set_invalid_reply(&request->error);
    } else if (reply) {
        request->response = g_bytes_new(NULL, 0);
        request->value = get_card_used(reply);
    }
    request->state = SMARTCARDD_REQUEST_ANSWERED;
    request->done(request, request->data);
}

static void
call_over_bus(SmartcarddSession *session, SmartcarddRequest *request, GCancellable *cancellable)
{
    static const char *const methods[] = {
        [SCD_FRAME_TRANSMIT] = "Transmit",          [SCD_FRAME_CONTROL] = "Control",
        [SCD_FRAME_GET_ATTRIBUTE] = "GetAttribute", [SCD_FRAME_BEGIN] = "BeginTransaction",
        [SCD_FRAME_END] = "EndTransaction",
    };

    smartcardd_session_call_async(session, methods[request->operation], new_bus_arguments(request),
                                  request->timeout_ms, cancellable, handle_bus_reply,
                                  new_bus_exchange(session, request));
}

void
smartcardd_exchange_start(SmartcarddSession *session, SmartcarddRequest **requests,
                          guint n_requests, GCancellable *cancellable)
{
    g_autoptr(SmartcarddChannel) channel = smartcardd_session_ref_channel(session);

    for (guint i = 0; i < n_requests; i++)
        prepare_request(session, requests[i]);
    if (channel) {
        smartcardd_channel_submit(channel, requests, n_requests, cancellable);
        return;
    }
    for (guint i = 0; i < n_requests; i++)
        call_over_bus(session, requests[i], cancellable);
}

/*
 * The method GetStatus fails with the reason if the session has been closed. If the session is
 * still there, the channel was closed alone, which the service does for no reason of its own.
 */
static void
take_reason(SmartcarddRequest *request, GAsyncResult *result)
{
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &request->error);

    if (reply)
        g_set_error(&request->error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_COMM_ERROR,
                    "the service closed the channel: %s",
                    request->sent ? SMARTCARDD_SENT : SMARTCARDD_NOT_SENT);
}

static gboolean
has_no_reason(const SmartcarddRequest *request)
{
    return request->state == SMARTCARDD_REQUEST_LOST && request->code == 0 && !request->error;
}

static void
handle_reason(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(BusExchange) exchange = data;

    take_reason(exchange->request, result);
    exchange->request->done(exchange->request, exchange->request->data);
}

gboolean
smartcardd_exchange_is_unresolved(SmartcarddSession *session, SmartcarddRequest *request)
{
    if (!has_no_reason(request)) {
        trace_result(session, request);
        return FALSE;
    }
    smartcardd_session_call_async(session, "GetStatus", NULL, SMARTCARDD_TIMEOUT_DEFAULT, NULL,
                                  handle_reason, new_bus_exchange(session, request));
    return TRUE;
}

static void
note_done(SmartcarddRequest *request, gpointer data)
{
    gboolean *done = data;

    *done = TRUE;
}

static void
run_over_bus(SmartcarddSession *session, SmartcarddRequest *request, GCancellable *cancellable)
{
    SmartcarddWait wait;
    gboolean done = FALSE;

    request->done = note_done;
    request->data = &done;
    smartcardd_wait_begin(&wait);
    call_over_bus(session, request, cancellable);
    while (!done)
        g_main_context_iteration(wait.context, TRUE);
    smartcardd_wait_clear(&wait);
}

static void
find_reason(SmartcarddSession *session, SmartcarddRequest *request)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_session_call_async(session, "GetStatus", NULL, SMARTCARDD_TIMEOUT_DEFAULT, NULL,
                                  smartcardd_wait_callback, &wait);
    take_reason(request, smartcardd_wait_end(&wait));
    smartcardd_wait_clear(&wait);
}

void
smartcardd_exchange_run_all(SmartcarddSession *session, SmartcarddRequest **requests,
                            guint n_requests, GCancellable *cancellable)
{
    g_autoptr(SmartcarddChannel) channel = smartcardd_session_ref_channel(session);

    for (guint i = 0; i < n_requests; i++)
        prepare_request(session, requests[i]);
    if (channel)
        smartcardd_channel_exchange(channel, requests, n_requests, cancellable);
    for (guint i = 0; i < n_requests; i++) {
        if (!channel)
            run_over_bus(session, requests[i], cancellable);
        if (has_no_reason(requests[i]))
            find_reason(session, requests[i]);
        trace_result(session, requests[i]);
    }
}

gboolean
smartcardd_exchange_run(SmartcarddSession *session, SmartcarddRequest *request,
                        GCancellable *cancellable, GError **error)
{
    smartcardd_exchange_run_all(session, &request, 1, cancellable);
    return smartcardd_request_check(request, error);
}
