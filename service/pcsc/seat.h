/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The seat that a USB device belongs to: what udev knows of it, as systemd-logind and the
 * administrator ("loginctl attach") want it. Reads files of the kernel, which may block.
 */

#include "base/usb-path.h"

/* NULL when udev does not tell: then it is the first one, "seat0". */
char *scd_seat_dup_in_probe(const ScdUsbPort *port);
