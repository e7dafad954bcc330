/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/channel-id.h"

#define CHANNEL_USB 0x0020
#define MAX_ADDRESS 127 /* USB 2.0, 9.4.6 */

gboolean
scd_channel_id_parse_usb(const guint8 *bytes, gsize length, guint8 *bus, guint8 *address)
{
    if (length != 4 || (bytes[3] << 8 | bytes[2]) != CHANNEL_USB)
        return FALSE;
    if (bytes[1] == 0 || bytes[0] == 0 || bytes[0] > MAX_ADDRESS)
        return FALSE;
    *bus = bytes[1];
    *address = bytes[0];
    return TRUE;
}
