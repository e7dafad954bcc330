/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as the Info.plist of a driver: the list has the devices of the text and no others. */

#include "base/driver-list.h"

#include "fuzz.h"

#define IDS 4

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(ScdDriverList) list = scd_driver_list_new();
    g_autoptr(ScdDriverList) twice = scd_driver_list_new();
    ScdFuzzInput input = {data, MIN(size, 4 * IDS)};
    ScdUsbDevice device = {.interfaces = g_ptr_array_new()};

    scd_driver_list_add(list, (const char *)data, size);
    scd_driver_list_add(twice, (const char *)data, size);
    scd_driver_list_add(twice, (const char *)data, size);
    for (guint i = 0; i < IDS; i++) {
        device.vendor_id = scd_fuzz_take_u16(&input);
        device.product_id = scd_fuzz_take_u16(&input);
        gboolean has = scd_driver_list_has_device(list, device.vendor_id, device.product_id);

        g_assert_cmpint(scd_driver_list_has_device(twice, device.vendor_id, device.product_id), ==,
                        has);
        g_assert_cmpint(scd_driver_list_drives(list, &device), ==, has);
        g_assert_cmpint(scd_driver_list_is_reader(list, &device), ==, has);
    }
    g_ptr_array_unref(device.interfaces);
    return 0;
}
