/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Converts the D-Bus errors of the service and of the bus to error codes of winscard.h. */

#include <systemd/sd-bus.h>

#include "pcsc.h"

/*
 * Returns SCARD_E_INVALID_HANDLE if the object does not exist (any more), SCARD_E_NO_SERVICE for an
 * unknown error; never SCARD_S_SUCCESS.
 */
LONG pld_bus_error_code(const sd_bus_error *error);
