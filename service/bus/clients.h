/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who is on the bus: for each unique name that has asked for something, until it
 * leaves, the user whom it runs for, and what to do then.
 *
 * One subscription serves all, made before the first name is asked about: so
 * no departure is missed, and the bus has one match rule of ours however many
 * clients there are.
 */

#include <gio/gio.h>

typedef struct ScdClients ScdClients;

/* A unique name; whoever holds something for it has a reference. */
typedef struct ScdClient ScdClient;

/* client: a reference, to be released; NULL with SCD_E_CANCELLED when it has left. */
typedef void (*ScdClientFunc)(ScdClient *client, const GError *error, gpointer data);
typedef void (*ScdClientLeaveFunc)(gpointer data);

ScdClients *scd_clients_new(GDBusConnection *bus);

/* To those who are still known it is as if the client left. */
void scd_clients_free(ScdClients *clients);

/* Asks the bus for user and process, and calls func; at once when the name is known. */
void scd_clients_get(ScdClients *clients, const char *unique_name, ScdClientFunc func,
                     gpointer data);

ScdClient *scd_client_ref(ScdClient *client);
void scd_client_unref(ScdClient *client);

const char *scd_client_name(const ScdClient *client);
guint scd_client_uid(const ScdClient *client);

/* 0 when the bus does not know it. Whoever has it may have ended since. */
guint scd_client_pid(const ScdClient *client);

gboolean scd_client_is_gone(const ScdClient *client);

/*
 * func is called once, when the client leaves the bus, unless it is removed
 * before. The client is not gone. Gives a number for scd_client_remove_leave().
 */
guint scd_client_on_leave(ScdClient *client, ScdClientLeaveFunc func, gpointer data);
void scd_client_remove_leave(ScdClient *client, guint id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdClients, scd_clients_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdClient, scd_client_unref)
