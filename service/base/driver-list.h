/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The USB devices that the installed drivers of pcscd are for.
 *
 * A driver is a folder *.bundle with a file Contents/Info.plist: XML with the vendor and product
 * ids of its devices. The driver with the name "CCIDCLASSDRIVER" is also for each device that has
 * an interface of class 0b.
 */

#include <glib.h>

#include "base/usb-device.h"

typedef struct ScdDriverList ScdDriverList;

ScdDriverList *scd_driver_list_new(void);
void scd_driver_list_unref(ScdDriverList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdDriverList, scd_driver_list_unref)

/*
 * Returns the list of all drivers in a folder, with a reference. The files, whose text takes long
 * to parse, are read again only if one of them has changed since the last call. The list must not
 * be changed. In any thread; blocks.
 */
ScdDriverList *scd_driver_list_get(const char *folder);

/*
 * Adds the devices in the text of an Info.plist, which may be any bytes. Text that is not valid
 * adds the ids before the error, as it does in pcscd.
 */
void scd_driver_list_add(ScdDriverList *list, const char *text, gsize length);

/* Adds the devices of all drivers in a folder; one that cannot be read has none. Blocks. */
void scd_driver_list_add_folder(ScdDriverList *list, const char *folder);

gboolean scd_driver_list_has_device(const ScdDriverList *list, guint16 vendor_id,
                                    guint16 product_id);

/* Returns whether there is a driver for the device: by its ids, or by class 0b. */
gboolean scd_driver_list_drives(const ScdDriverList *list, const ScdUsbDevice *device);

/* Returns whether the device looks like a reader: by class 0b, or by its ids. */
gboolean scd_driver_list_is_reader(const ScdDriverList *list, const ScdUsbDevice *device);
