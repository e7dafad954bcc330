/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls to smartcardd. The first call starts the service if it is not running. The message of an
 * error is one line for the user: the problem and a remedy.
 */

#include <gio/gio.h>
#include <signal.h>

#include "object-cache.h"

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

/* Returns the properties of the manager object, a{sv}. */
GVariant *ctl_client_get_manager(GDBusConnection *bus, GError **error);

/* Returns all readers and cards. Fails if the service cannot reach pcscd. */
CtlObjectCache *ctl_client_load(GDBusConnection *bus, GError **error);

/*
 * Returns the object path of a reader. The selector is its alias, USB path, serial number, object
 * path or PC/SC name.
 */
char *ctl_client_find_reader_path(GDBusConnection *bus, const char *selector, GError **error);

/*
 * Sets reader to the one in the cache that the selector names. Without a selector, to the only
 * reader; fails if there is none or more than one.
 */
gboolean ctl_client_get_reader(GDBusConnection *bus, CtlObjectCache *cache, const char *selector,
                               CtlReaderView *reader, GError **error);

/*
 * Replaces the message of a failed call by one for the user. Errors of the service are in the
 * domain SCD_ERROR.
 */
void ctl_client_explain_error(GError *error);

/* Returns whether the call failed because the service has exited. */
gboolean ctl_client_is_service_gone(const GError *error);
