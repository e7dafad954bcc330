/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests of a session: through its channel, or over the bus if it has none. */

#include "session.h"

/*
 * Starts requests of a session, in their order. Each ends with a call of its function "done" in any
 * thread, which first calls smartcardd_exchange_is_unresolved().
 */
void smartcardd_exchange_start(SmartcarddSession *session, SmartcarddRequest **requests,
                               guint n_requests, GCancellable *cancellable);

/*
 * If the channel was closed, finds out why, over the bus: then returns TRUE, and calls "done" again
 * when the request has an error with the reason.
 */
gboolean smartcardd_exchange_is_unresolved(SmartcarddSession *session, SmartcarddRequest *request);

/* Executes requests, in their order, and blocks until all have ended. */
void smartcardd_exchange_run_all(SmartcarddSession *session, SmartcarddRequest **requests,
                                 guint n_requests, GCancellable *cancellable);

/* Executes a request and blocks until it has ended. Returns FALSE unless it has succeeded. */
gboolean smartcardd_exchange_run(SmartcarddSession *session, SmartcarddRequest *request,
                                 GCancellable *cancellable, GError **error);
