/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The interface org.freedesktop.LogControl1, for systemctl service-log-level
 * and service-log-target. The bus lets only root set its properties.
 */

#include <gio/gio.h>

/* FALSE with an error when the path is in use. It is there until the bus connection ends. */
gboolean scd_log_control_register(GDBusConnection *bus, GError **error);
