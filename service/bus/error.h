/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The D-Bus names of the errors of base/error.h. */

#include <gio/gio.h>

#include "base/error.h"

/* Registers the name of each error. Must be called once, before the first reply. */
void scd_error_register(void);

/* Returns the D-Bus name of an error of SCD_ERROR; static. */
const char *scd_error_dbus_name(const GError *error);
