/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as text from a device. */

#include "base/usb-device.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *clean = scd_device_text_clean(data, size);

    scd_fuzz_assert_clean(clean);
    for (const char *at = clean; *at != '\0'; at = g_utf8_next_char(at))
        g_assert_false(g_unichar_iscntrl(g_utf8_get_char(at)));
    return 0;
}
