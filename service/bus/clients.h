/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tracks clients by unique name: credentials, and callbacks on disconnect. A client is tracked
 * from its first call until it leaves the bus.
 *
 * One subscription to NameOwnerChanged serves all clients, and is made before the first client
 * is looked up: no disconnect is missed, and the service has one match rule on the bus
 * regardless of the number of clients.
 */

#include <gio/gio.h>

#include "bus/gate.h"

typedef struct ScdClients ScdClients;

/* A unique name on the bus; reference counted. */
typedef struct ScdClient ScdClient;

/* client: a reference that the function owns; NULL, with SCD_E_CANCELLED, if it has left. */
typedef void (*ScdClientFunc)(ScdClient *client, const GError *error, gpointer data);
typedef void (*ScdClientLeaveFunc)(gpointer data);

/*
 * gate: receives the users of its senders, and which of them leave the bus. It must outlive the
 * clients.
 */
ScdClients *scd_clients_new(GDBusConnection *bus, ScdGate *gate);

/* Calls the callbacks of all clients as if they had left the bus. */
void scd_clients_free(ScdClients *clients);

/* Calls func with the client; before this returns if its credentials are known already. */
void scd_clients_get(ScdClients *clients, const char *unique_name, ScdClientFunc func,
                     gpointer data);

ScdClient *scd_client_ref(ScdClient *client);
void scd_client_unref(ScdClient *client);

const char *scd_client_name(const ScdClient *client);
guint scd_client_uid(const ScdClient *client);

/* Returns 0 if the bus does not know it. The process may have ended. */
guint scd_client_pid(const ScdClient *client);

/*
 * The systemd unit of its process, which the audit log queries once, for the first event that it
 * logs about the client. NULL until systemd has replied, and if there is none.
 */
const char *scd_client_unit(const ScdClient *client);

/* unit: NULL if there is none, or systemd does not know it. */
void scd_client_set_unit(ScdClient *client, const char *unit);

/* Returns whether scd_client_set_unit() was called. */
gboolean scd_client_unit_is_set(const ScdClient *client);

/* Returns whether the client has left the bus. */
gboolean scd_client_is_gone(const ScdClient *client);

/*
 * Calls func once, when the client leaves the bus, unless it was removed before. The client must
 * not be gone. Returns an id for scd_client_remove_leave(), which is never 0.
 */
guint scd_client_on_leave(ScdClient *client, ScdClientLeaveFunc func, gpointer data);
void scd_client_remove_leave(ScdClient *client, guint id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdClients, scd_clients_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdClient, scd_client_unref)
