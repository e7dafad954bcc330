/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The USB devices that readers are, and the hubs on the way to them. The kernel tells it, so no
 * service is needed; what else is plugged in is nobody's business.
 */

#include <json-glib/json-glib.h>

#include "output.h"

/*
 * An array of ScdUsbDevice, each behind the hub that it is plugged into. Those of class 0b are
 * readers, and those that readers say they are (an array of CtlReaderView).
 */
GPtrArray *ctl_usb_map_load(GArray *readers);

/* serials: with the serial numbers. */
void ctl_usb_map_print(GPtrArray *map, gboolean serials, CtlOutput *output);
void ctl_usb_map_add_to_json(GPtrArray *map, gboolean serials, JsonBuilder *builder);
