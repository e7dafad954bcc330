/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The client of smartcardd, which starts the service if it is not running. The message of an error
 * is one line for the user: the problem and a remedy.
 */

#include "connection.h"
#include "reader-view.h"

/* Connects to the service, and reads the readers and cards. */
SmartcarddClient *ctl_client_new(const CtlRoute *route, GError **error);

/*
 * Returns a client that is not initialized, which the caller does. The connection to another host
 * is made here.
 */
SmartcarddClient *ctl_client_prepare(const CtlRoute *route, GError **error);

/* Replaces the error of the initialization by one for the user. */
void ctl_client_explain_start_error(SmartcarddClient *client, const CtlRoute *route,
                                    GError **error);

/* Returns the connection to the bus; NULL if there is none. */
GDBusConnection *ctl_client_dup_connection(SmartcarddClient *client);

/* Closes the connection, at which the service ends sessions that are still open. */
void ctl_client_disconnect(SmartcarddClient *client);

/* Fails if the service cannot reach pcscd. */
gboolean ctl_client_check_pcscd(SmartcarddClient *client, GError **error);

/* Does what both of these do. */
SmartcarddClient *ctl_client_load(const CtlRoute *route, GError **error);

/*
 * Returns the reader that the selector names: its alias, USB path, serial number, object path or
 * PC/SC name, or a part of that name if no other reader has it, in upper or lower case. Without a
 * selector, returns the only reader. Fails if there is none or more than one. The client owns the
 * reader.
 */
SmartcarddReader *ctl_client_find_reader(SmartcarddClient *client, const char *selector,
                                         GError **error);

/*
 * Returns whether a selector names the reader, which may not be in the list of the client any more.
 * Several readers may have the name.
 */
gboolean ctl_client_is_named(SmartcarddClient *client, SmartcarddReader *reader,
                             const char *selector);

/* Replaces the message of an error of the client library by one for the user. */
void ctl_client_explain_error(GError *error);
