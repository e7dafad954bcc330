/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The connection of a client to the bus and the service: it applies the signals of the service to
 * the lists, and loads all objects again when the service or the bus is back.
 *
 * All functions are for the thread that owns the main context "home" of the client.
 */

#include "client-state.h"
#include "loader.h"

/*
 * Connect to the system bus, also from inside a user namespace, in which the user has another
 * number than the one that the bus sees. The errors are those of GIO. The first function blocks.
 */
GDBusConnection *smartcardd_connect(GCancellable *cancellable, GError **error);
void smartcardd_connect_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data);
GDBusConnection *smartcardd_connect_finish(GAsyncResult *result, GError **error);

/* Make home the thread-default context, in which replies and signals arrive, and end that. */
void smartcardd_client_enter_home(SmartcarddClient *self);
void smartcardd_client_leave_home(SmartcarddClient *self);

/*
 * Subscribes to the signals of the service on a new connection, of which it takes a reference. Home
 * must be the thread-default context.
 */
void smartcardd_client_take_connection(SmartcarddClient *self, GDBusConnection *connection);

/* Ends the subscriptions. Does nothing if there is no connection. */
void smartcardd_client_drop_connection(SmartcarddClient *self);

/* Replaces the objects and properties of the client by these. Steals the member owner. */
void smartcardd_client_take_loaded(SmartcarddClient *self, SmartcarddLoaded *loaded);

/*
 * The properties of the client that have the values of properties of the service. number:
 * SMARTCARDD_VALUE_AVAILABLE and so on
 */
void smartcardd_client_install_values(GObjectClass *class);
void smartcardd_client_init_values(SmartcarddClient *self);
void smartcardd_client_clear_values(SmartcarddClient *self);
void smartcardd_client_get_value(SmartcarddClient *self, guint number, GValue *value);
