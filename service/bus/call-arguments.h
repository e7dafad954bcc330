/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Overwrites the arguments of method calls, which may contain PINs.
 *
 * The message of a call owns them, and all that the service needs for longer is a copy. So they are
 * overwritten when the last reference to the message is dropped, which is after the reply. That
 * covers all methods, and calls that no handler receives because GDBus refuses them, or because
 * their object goes while they are on their way.
 */

#include <gio/gio.h>

/* For all calls of the connection that arrive from now on. */
void scd_call_arguments_wipe(GDBusConnection *bus);
