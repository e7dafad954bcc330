/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a driver says of the channel to its reader: SCARD_ATTR_CHANNEL_ID, PC/SC part 3, 3.1.2.
 *
 * Four bytes, the lowest first: the kind of channel in the upper 16 bits, 0x0020 for USB; for that
 * bus and device address in the lower 16. The address is another one after each plugging.
 */

#include <glib.h>

/* FALSE, with nothing written, for other channels and for whatever no USB device can have. */
gboolean scd_channel_id_parse_usb(const guint8 *bytes, gsize length, guint8 *bus, guint8 *address);
