/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the kernel knows of a USB device: its folder in /sys/bus/usb/devices.
 *
 * The strings are the device's own: they are cleaned (device-text.h). An attribute that cannot be
 * read, is too long or makes no sense counts as not there. The kernel locks the device while it
 * answers, so reading may block: never on the main thread.
 */

#include <glib.h>

#include "base/reader-name.h"
#include "base/usb-path.h"

#define SCD_USB_ATTRIBUTE_MAX 512 /* bytes; 126 UTF-16 units of a string take 378 in UTF-8 */

typedef struct {
    guint8 configuration;
    guint8 number;
    gboolean is_ccid; /* of class 0b */
    char *name;       /* the string that the device has for it; empty when none */
} ScdUsbInterface;

typedef struct {
    ScdUsbPort port;
    guint8 address;     /* 0 when not known, likewise the ids */
    guint16 vendor_id;  /* idVendor */
    guint16 product_id; /* idProduct */
    char *manufacturer; /* empty when not known, likewise product and serial */
    char *product;
    char *serial;
    gboolean built_in;     /* the kernel says that nobody can unplug it */
    GPtrArray *interfaces; /* of ScdUsbInterface, of the configuration that is in use */
} ScdUsbDevice;

/* The device whose folder this is, NULL when there is none. */
ScdUsbDevice *scd_usb_device_read(const char *folder, const ScdUsbPort *port);
void scd_usb_device_free(ScdUsbDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdUsbDevice, scd_usb_device_free)

/* The address alone, which costs less; 0 when not known. */
guint8 scd_usb_device_read_address(const char *folder);

/*
 * Which interface the reader of this name is, when it is known to be one of this device's: the only
 * one of class 0b, or of several the only one with the string in the name; the only one at all,
 * whatever its class, in devices older than that class. FALSE when that leaves none or a choice.
 */
gboolean scd_usb_device_find_interface(const ScdUsbDevice *device, const ScdReaderName *name,
                                       ScdUsbPath *path);

/*
 * Whether pcscd may have given this name to the reader at this interface: what follows the base of
 * the name agrees, and there is something in the name that comes from the device at all.
 */
gboolean scd_usb_device_may_be_named(const ScdUsbDevice *device, const ScdUsbInterface *interface,
                                     const ScdReaderName *name);

ScdUsbPath scd_usb_device_path_of(const ScdUsbDevice *device, const ScdUsbInterface *interface);
