/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Our errors on the bus. */

#include <gio/gio.h>

#include "base/error.h"

/* Gives each error of the table its D-Bus name. To be called once, before the first reply. */
void scd_error_register(void);
