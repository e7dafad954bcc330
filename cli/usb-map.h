/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The USB devices that are readers, and the hubs that they are connected to, from sysfs: works
 * without the service. Other devices are private and left out.
 */

#include <json-glib/json-glib.h>

#include "output.h"

/*
 * Returns an array of ScdUsbDevice, in which hubs precede their devices. A device is a reader if it
 * has an interface of class 0b or if the UsbPath of one of the readers (CtlReaderView) names it.
 */
GPtrArray *ctl_usb_map_load(GArray *readers);

/* serials: include serial numbers. */
void ctl_usb_map_print(GPtrArray *map, gboolean serials, CtlOutput *output);
void ctl_usb_map_add_to_json(GPtrArray *map, gboolean serials, JsonBuilder *builder);
