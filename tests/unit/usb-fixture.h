/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A copy of the part of /sys that describes USB devices, in a temporary directory: directories
 * below devices/, and links to them in bus/usb/devices/.
 */

#include <glib.h>

#include "base/usb-device.h"

#define USB_FIXTURE_DEVICES "bus/usb/devices"

typedef struct {
    char *root;
} UsbFixture;

void usb_fixture_init(UsbFixture *fixture);
void usb_fixture_clear(UsbFixture *fixture);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UsbFixture, usb_fixture_clear)

/* Each adds a device at a port, with the given address; serial may be NULL. */
void usb_fixture_add_device(UsbFixture *fixture, const char *port, const char *address,
                            const char *serial);
void usb_fixture_add_reader(UsbFixture *fixture, const char *port, const char *address,
                            const char *serial);
void usb_fixture_add_hub(UsbFixture *fixture, const char *port, const char *address);

/* end: the path of the interface after the port, ":1.0". string: its name, or NULL. */
void usb_fixture_add_interface(UsbFixture *fixture, const char *port, const char *end,
                               const char *class_code, const char *string);

void usb_fixture_set_device_attribute(UsbFixture *fixture, const char *port, const char *attribute,
                                      const char *text);
void usb_fixture_remove_attribute(UsbFixture *fixture, const char *port, const char *attribute);

/* For entries that no kernel makes. */
char *usb_fixture_build_folder(UsbFixture *fixture, const char *port);
void usb_fixture_make_link(UsbFixture *fixture, const char *target, const char *name);
void usb_fixture_set_attribute(const char *folder, const char *attribute, const char *text);

/* Returns the device at a port as scd_usb_tree_find_port() finds it. */
ScdUsbDevice *usb_fixture_find_port(UsbFixture *fixture, const char *text);
