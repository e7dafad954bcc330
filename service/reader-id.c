/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardd-reader-id: a program for a udev rule. Prints the property ID_SMARTCARD_READER if a
 * driver of pcscd is installed for a USB device, whatever the class of its interfaces. A device
 * without a driver is no error: the program prints nothing.
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/driver-list.h"
#include "reader-id-config.h"

static gboolean
parse_id(const char *text, guint16 *id)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT16, &number, NULL))
        return FALSE;
    *id = (guint16)number;
    return TRUE;
}

int
main(int argc, char **argv)
{
    guint16 vendor_id, product_id;

    if (argc != 3 || !parse_id(argv[1], &vendor_id) || !parse_id(argv[2], &product_id)) {
        fputs("usage: smartcardd-reader-id VENDOR PRODUCT\n"
              "VENDOR and PRODUCT are idVendor and idProduct of a USB device, in hexadecimal.\n",
              stderr);
        return 2;
    }
    g_autoptr(ScdDriverList) drivers = scd_driver_list_new();
    scd_driver_list_add_folder(drivers, DRIVERS);
    if (scd_driver_list_has_device(drivers, vendor_id, product_id))
        puts("ID_SMARTCARD_READER=1");
    return EXIT_SUCCESS;
}
