/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A USB device as the kernel describes it in its directory in /sys/bus/usb/devices, the class
 * descriptor of readers, the search for devices there, and the cleaning of text that comes from
 * devices.
 *
 * The strings are the device's own: they are cleaned. An attribute that cannot be read, is too long
 * or is not valid counts as absent. The kernel locks the device while an attribute is read, so
 * reading may block: not for the main thread.
 */

#include <glib.h>

#include "base/reader-name.h"
#include "base/usb-path.h"

#define SCD_USB_ATTRIBUTE_MAX 512 /* bytes; 126 UTF-16 units of a string take 378 in UTF-8 */

/*
 * Returns text that a device provides, such as its vendor or its serial number, as one line of
 * UTF-8 without control characters: the bytes up to the first NUL, without white space at the ends.
 * Bytes that are not UTF-8, control characters, and invisible characters that change how others are
 * shown (such as the direction of writing) become U+FFFD, one each. bytes may be NULL if length is
 * 0. The caller frees the text.
 */
char *scd_device_text_clean(const void *bytes, gsize length);

#define SCD_CCID_SHORT_APDU_MAX 255      /* bytes of data in a short command */
#define SCD_CCID_EXTENDED_APDU_MAX 65536 /* as PC/SC part 10 has it for an extended one */

/* The class descriptor of a USB reader: CCID specification, revision 1.1, table 5.1-1. */
typedef struct {
    guint32 features;   /* dwFeatures */
    guint16 lcd_layout; /* wLcdLayout: lines in the high byte, columns in the low one */
} ScdCcid;

/*
 * Finds the class descriptor of an interface in the descriptors of a device, as the kernel has them
 * in the attribute "descriptors": any bytes. Returns FALSE if there is none.
 */
gboolean scd_ccid_find(const guint8 *descriptors, gsize length, guint8 configuration,
                       guint8 interface, ScdCcid *ccid);

/*
 * Returns the greatest number of bytes of data in a command: that of an extended APDU if the reader
 * takes these, or the parts of which a driver makes commands of any length; 0 if unknown.
 */
guint32 scd_ccid_command_max(const ScdCcid *ccid);

typedef struct {
    guint8 configuration;
    guint8 number;
    gboolean is_ccid; /* of class 0b */
    char *name;       /* the device's string for it; empty if there is none */
    char *driver;     /* the kernel's; "usbfs" if a program has it; empty if there is none */
} ScdUsbInterface;

typedef struct {
    ScdUsbPort port;
    guint8 address;     /* 0 if unknown, also for the ids */
    guint16 vendor_id;  /* idVendor */
    guint16 product_id; /* idProduct */
    char *manufacturer; /* empty if unknown, also for product and serial */
    char *product;
    char *serial;
    gboolean built_in;     /* the kernel reports the device as not removable */
    GPtrArray *interfaces; /* of ScdUsbInterface, in the active configuration */
} ScdUsbDevice;

void scd_usb_device_free(ScdUsbDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdUsbDevice, scd_usb_device_free)

/*
 * Sets path to the interface of this device that belongs to the reader of this name: the only
 * interface of class 0b, or the only one of several whose string is in the name, or the only
 * interface of any class in devices older than that class. Returns FALSE if there is none or more
 * than one.
 */
gboolean scd_usb_device_find_interface(const ScdUsbDevice *device, const ScdReaderName *name,
                                       ScdUsbPath *path);

/*
 * Searches for USB devices in /sys/bus/usb/devices. Each search reads the tree again, because
 * devices come and go. It may block: not for the main thread. root is the path of /sys; tests pass
 * another one. A search returns NULL if no device matches or if more than one does: a wrong device
 * is worse than none.
 */

/* Returns all devices, as ScdUsbDevice, sorted by bus and port: each after the hub it is on. */
GPtrArray *scd_usb_tree_list(const char *root);

ScdUsbDevice *scd_usb_tree_find_port(const char *root, const ScdUsbPort *port);
ScdUsbDevice *scd_usb_tree_find_address(const char *root, guint8 bus, guint8 address);

/*
 * Returns the class descriptor of an interface of the device at this path. FALSE if there is none.
 */
gboolean scd_usb_tree_read_ccid(const char *root, const ScdUsbPath *path, ScdCcid *ccid);

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
