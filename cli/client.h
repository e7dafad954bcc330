/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The service, as its clients call it. A first call starts it when it is not
 * running. The message of an error is one line for the user: what is wrong and
 * what to do about it.
 */

#include <gio/gio.h>

#include "object-cache.h"

#define CTL_BUS_NAME "org.smartcardd1"
#define CTL_ROOT_PATH "/org/smartcardd1"
#define CTL_INTERFACE_MANAGER "org.smartcardd1.Manager"
#define CTL_INTERFACE_READER "org.smartcardd1.Reader"
#define CTL_INTERFACE_CARD "org.smartcardd1.Card"
#define CTL_INTERFACE_SESSION "org.smartcardd1.Session"
#define DBUS_INTERFACE_OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define DBUS_INTERFACE_PROPERTIES "org.freedesktop.DBus.Properties"

/* The system bus; losing it does not end the process. */
GDBusConnection *ctl_client_connect(GError **error);

/* The properties of the service itself, a{sv}. */
GVariant *ctl_client_get_manager(GDBusConnection *bus, GError **error);

/* All readers and cards. That pcscd cannot be reached is an error. */
CtlObjectCache *ctl_client_load(GDBusConnection *bus, GError **error);

/*
 * The path of the one reader that the user means: by its alias, USB path, serial number, object
 * path or PC/SC name.
 */
char *ctl_client_find_reader(GDBusConnection *bus, const char *selector, GError **error);

/* The same, as the cache has it; without a selector the only reader that there is. */
gboolean ctl_client_look(GDBusConnection *bus, CtlObjectCache *cache, const char *selector,
                         CtlReaderView *reader, GError **error);

/* Makes the message of a failed call one for the user. Errors of the service are SCD_ERROR. */
void ctl_client_explain(GError *error);

/* Whether the call failed because the service went away. */
gboolean ctl_client_is_gone(const GError *error);
