/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Executes requests of a session: through its channel, or over the bus if it has none. */

#include "session.h"

/*
 * Starts requests of a session, in their order, without blocking. When one has ended, its function
 * "done" is called, in any thread; it has to call smartcardd_exchange_is_unresolved() first.
 */
void smartcardd_exchange_start(SmartcarddSession *session, SmartcarddRequest **requests,
                               guint n_requests, GCancellable *cancellable);

/*
 * Returns FALSE if the result of the request is complete. If the channel was closed, and the reason
 * is not known, returns TRUE: the function queries the reason over the bus, sets it as the error of
 * the request, and calls "done" again.
 */
gboolean smartcardd_exchange_is_unresolved(SmartcarddSession *session, SmartcarddRequest *request);

/* Executes requests, in their order, and blocks until all have ended. "done" must be NULL. */
void smartcardd_exchange_run_all(SmartcarddSession *session, SmartcarddRequest **requests,
                                 guint n_requests, GCancellable *cancellable);

/* Executes a request and blocks until it has ended. Returns FALSE unless it has succeeded. */
gboolean smartcardd_exchange_run(SmartcarddSession *session, SmartcarddRequest *request,
                                 GCancellable *cancellable, GError **error);
