/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The USB devices that the kernel has now: /sys/bus/usb/devices.
 *
 * Each search reads the tree anew, for devices come and go. It may block: never on the main thread.
 * Root is where /sys is, so that tests can show another tree. A device is given only when there is
 * no doubt which: a wrong one is worse than none, which is NULL.
 */

#include <glib.h>

#include "base/usb-device.h"

/* All, as ScdUsbDevice, by bus and port: each behind the hub that it is plugged into. */
GPtrArray *scd_usb_tree_list(const char *root);

ScdUsbDevice *scd_usb_tree_find_port(const char *root, const ScdUsbPort *port);
ScdUsbDevice *scd_usb_tree_find_address(const char *root, guint8 bus, guint8 address);

/* Of the device at the port; 0 when there is none. It is another one each time it is plugged in. */
guint8 scd_usb_tree_read_address(const char *root, const ScdUsbPort *port);

/*
 * The device of the only interface of class 0b for which pcscd may have made this name, and the
 * path of that. The name must tell more than the driver's word for the model: an interface, a
 * serial number, or the very words of the device.
 */
ScdUsbDevice *scd_usb_tree_find_name(const char *root, const ScdReaderName *name, ScdUsbPath *path);
