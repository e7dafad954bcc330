/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The errors of the bus as codes of PC/SC: those of the service by the table
 * that it uses itself, and what the bus says about the service.
 */

#include <systemd/sd-bus.h>

#include "pcsc.h"

/*
 * Never SCARD_S_SUCCESS; SCARD_E_INVALID_HANDLE when there is no such object, or
 * not any more.
 */
LONG pld_code_of_error(const sd_bus_error *error);
