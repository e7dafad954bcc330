/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The PIN pad of a reader, by the features of PC/SC part 10 that its driver announces (feature.h).
 * The list is read before each use and not kept, because a driver may change it.
 */

#include <glib.h>

/*
 * Asks the driver whether a control code belongs to a PIN pad. card: a SCARDHANDLE. Returns
 * SCARD_S_SUCCESS if it does, SCARD_W_SECURITY_VIOLATION if it may do anything else, or the code
 * with which the driver could not be asked.
 */
guint32 scd_pin_pad_check_code_in_worker(long card, guint32 code);
