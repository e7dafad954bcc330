/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "request.h"

#include "error.h"

SmartcarddRequest *
smartcardd_request_new(ScdFrameOperation operation, guint32 argument, gint timeout_ms)
{
    SmartcarddRequest *request = g_new0(SmartcarddRequest, 1);

    request->operation = operation;
    request->argument = argument;
    request->timeout_ms = timeout_ms;
    request->refs = 1;
    request->link.data = request;
    return request;
}

SmartcarddRequest *
smartcardd_request_ref(SmartcarddRequest *request)
{
    g_atomic_int_inc(&request->refs);
    return request;
}

void
smartcardd_request_unref(SmartcarddRequest *request)
{
    if (!g_atomic_int_dec_and_test(&request->refs))
        return;
    g_clear_pointer(&request->response, g_bytes_unref);
    g_clear_object(&request->cancellable);
    g_clear_error(&request->error);
    g_free(request);
}

void
smartcardd_request_add_part(SmartcarddRequest *request, gconstpointer data, gsize length)
{
    g_assert(request->n_parts < SMARTCARDD_PARTS_MAX);
    if (length > 0)
        request->parts[request->n_parts++] = (SmartcarddPart){data, length};
}

static void
set_unanswered_error(const SmartcarddRequest *request, GError **error)
{
    /* A transaction that begins after all is ended. */
    gboolean sent = request->sent && request->operation != SCD_FRAME_BEGIN;
    const char *note = sent ? SMARTCARDD_SENT : SMARTCARDD_NOT_SENT;

    switch (request->state) {
    case SMARTCARDD_REQUEST_CANCELLED:
        g_set_error(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED,
                    "the operation was cancelled: %s", note);
        break;
    case SMARTCARDD_REQUEST_TIMED_OUT:
        g_set_error(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_TIMEOUT,
                    "the operation timed out: %s", note);
        break;
    default:
        g_set_error(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_COMM_ERROR,
                    "the service closed the channel: %s", note);
    }
}

gboolean
smartcardd_request_check(const SmartcarddRequest *request, GError **error)
{
    if (request->error) {
        g_propagate_error(error, g_error_copy(request->error));
        return FALSE;
    }
    if (request->state != SMARTCARDD_REQUEST_ANSWERED && request->code == 0) {
        set_unanswered_error(request, error);
        return FALSE;
    }
    if (request->code == 0)
        return TRUE;
    smartcardd_error_set_code(error, request->code, request->sent ? NULL : SMARTCARDD_NOT_SENT);
    return FALSE;
}
