/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as the channel id of a reader. */

#include "base/channel-id.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    guint8 bus = 0;
    guint8 address = 0;
    gboolean is_usb = scd_channel_id_parse_usb(data, size, &bus, &address);

    g_assert_cmpint(is_usb, ==, bus != 0);
    g_assert_cmpint(is_usb, ==, address != 0);
    g_assert_cmpuint(address, <=, 127);
    if (!is_usb)
        return 0;
    const guint8 again[] = {address, bus, 0x20, 0};
    g_assert_cmpmem(data, size, again, sizeof again);
    return 0;
}
