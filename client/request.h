/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A request to a session: the operation and its data, and then its result. It ends exactly once,
 * with a call of its function "done".
 *
 * A request is reference-counted: the code that created it and each queue and callback that has it
 * have a reference. The parts of its data belong to the caller, who may free them in "done".
 */

#include <gio/gio.h>

#include "frame-format.h"
#include "trace.h"

#define SMARTCARDD_PARTS_MAX 3

typedef struct SmartcarddRequest SmartcarddRequest;

typedef enum {
    SMARTCARDD_REQUEST_PENDING,
    SMARTCARDD_REQUEST_ANSWERED,  /* with a code of PC/SC */
    SMARTCARDD_REQUEST_CANCELLED, /* by the caller */
    SMARTCARDD_REQUEST_TIMED_OUT, /* in this library; one that the service ends is ANSWERED */
    SMARTCARDD_REQUEST_LOST,      /* the channel is closed */
} SmartcarddRequestState;

struct SmartcarddRequest {
    ScdFrameOperation operation;
    guint32 argument;
    gint timeout_ms; /* as in the public functions */
    gboolean in_transaction;
    SmartcarddPart parts[SMARTCARDD_PARTS_MAX];
    guint n_parts;

    /* Called in any thread, without a lock. NULL if a thread blocks until the request ends. */
    void (*done)(SmartcarddRequest *request, gpointer data);
    gpointer data;

    /* The result. */
    SmartcarddRequestState state;
    gboolean sent;    /* the card may have executed it */
    guint32 code;     /* of PC/SC, if answered; 0: success */
    guint32 value;    /* of the answer: for SCD_FRAME_BEGIN, whether others have used the card */
    GBytes *response; /* if the code is 0 */
    GError *error;    /* of SMARTCARDD_ERROR: takes precedence over the code; NULL for none */

    /* For the channel only. */
    gint refs;
    GList link;            /* in a queue of the channel */
    gint64 deadline;       /* monotonic; 0: none */
    gint64 give_up_at;     /* monotonic; set when a cancellation was sent; 0: it was not */
    gboolean is_cancelled; /* the caller's cancellable was cancelled */
    gboolean in_flight;    /* sent, and not answered */
    GCancellable *cancellable;
    gulong cancel_handler;
    gpointer channel; /* for the handler */
    gpointer watch;   /* of the main context that waits for it; NULL: a thread does */
};

SmartcarddRequest *smartcardd_request_new(ScdFrameOperation operation, guint32 argument,
                                          gint timeout_ms);
SmartcarddRequest *smartcardd_request_ref(SmartcarddRequest *request);
void smartcardd_request_unref(SmartcarddRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmartcarddRequest, smartcardd_request_unref)

void smartcardd_request_add_part(SmartcarddRequest *request, gconstpointer data, gsize length);

/* Returns FALSE with an error unless the request has succeeded. */
gboolean smartcardd_request_check(const SmartcarddRequest *request, GError **error);
