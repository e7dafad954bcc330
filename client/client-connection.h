/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The connection of a client to the bus and the service: follows signals, and loads all anew when
 * the service or the bus is back. In the context home of the client only.
 */

#include "client-state.h"
#include "loader.h"

#define SMARTCARDD_CONNECTION_FLAGS \
    (G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION)

/* Have calls and subscriptions use the context home, which this thread owns. */
void smartcardd_client_enter_home(SmartcarddClient *self);
void smartcardd_client_leave_home(SmartcarddClient *self);

/* Takes a new connection. The context home is the thread-default one. */
void smartcardd_client_take_connection(SmartcarddClient *self, GDBusConnection *connection);
void smartcardd_client_drop_connection(SmartcarddClient *self);

/* Shows these objects. */
void smartcardd_client_take_loaded(SmartcarddClient *self, SmartcarddLoaded *loaded);

/* The properties that the service has: numbers 0 to SMARTCARDD_N_VALUES - 1. */
void smartcardd_client_install_values(GObjectClass *class);
void smartcardd_client_init_values(SmartcarddClient *self);
void smartcardd_client_clear_values(SmartcarddClient *self);
void smartcardd_client_get_value(SmartcarddClient *self, guint number, GValue *value);
