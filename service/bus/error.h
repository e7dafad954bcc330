/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The D-Bus names of the errors of base/error.h. */

#include <gio/gio.h>

#include "base/error.h"

/* Registers the name of each error. Must be called once, before the first reply. */
void scd_error_register(void);
