/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Searches for USB devices in /sys/bus/usb/devices.
 *
 * Each search reads the tree again, because devices come and go. It may block: not for the main
 * thread. root is the path of /sys; tests pass another one. A search returns NULL if no device
 * matches or if more than one does: a wrong device is worse than none.
 */

#include <glib.h>

#include "base/usb-device.h"

/* Returns all devices, as ScdUsbDevice, sorted by bus and port: each after the hub it is on. */
GPtrArray *scd_usb_tree_list(const char *root);

ScdUsbDevice *scd_usb_tree_find_port(const char *root, const ScdUsbPort *port);
ScdUsbDevice *scd_usb_tree_find_address(const char *root, guint8 bus, guint8 address);

/*
 * Returns the address of the device at the port, 0 if there is none. The address changes each time
 * the device is plugged in.
 */
guint8 scd_usb_tree_read_address(const char *root, const ScdUsbPort *port);

/*
 * Returns the device with the only interface of class 0b for which pcscd may have made this name,
 * and sets path to that interface. The name must contain an interface, a serial number or the
 * strings of the device: the driver's name of the model alone does not suffice.
 */
ScdUsbDevice *scd_usb_tree_find_name(const char *root, const ScdReaderName *name, ScdUsbPath *path);
