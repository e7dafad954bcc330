/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls to smartcardd. The first call starts the service if it is not running. The message of an
 * error is one line for the user: the problem and a remedy.
 */

#include <gio/gio.h>
#include <signal.h>

#include "reader-view.h"

#define CTL_BUS_NAME "org.smartcardd1"
#define CTL_ROOT_PATH "/org/smartcardd1"
#define DBUS_INTERFACE_OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define DBUS_INTERFACE_PROPERTIES "org.freedesktop.DBus.Properties"

/*
 * Returns the system bus. Losing the connection does not end the process. The threads that GLib
 * starts for it block the signals of ctl_client_get_signals().
 */
GDBusConnection *ctl_client_connect(GError **error);

/* Sets *signals to those with which a user stops a command: SIGINT and SIGTERM. */
void ctl_client_get_signals(sigset_t *signals);

/* Connects to the service, and reads the readers and cards. */
SmartcarddClient *ctl_client_new(GDBusConnection *bus, GError **error);

/* Fails if the service cannot reach pcscd. */
gboolean ctl_client_check_pcscd(SmartcarddClient *client, GError **error);

/* Does both. */
SmartcarddClient *ctl_client_load(GDBusConnection *bus, GError **error);

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

/*
 * Replaces the message of a failed call by one for the user. Errors of the service and of the
 * client library are in the domain SCD_ERROR.
 */
void ctl_client_explain_error(GError *error);
