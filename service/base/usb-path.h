/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The position of a reader on the USB, in the notation of /sys/bus/usb/devices:
 *
 *     port   BUS-PORT[.PORT...]                          1-3.1
 *     path   BUS-PORT[.PORT...]:CONFIGURATION.INTERFACE  1-3.1:1.0
 *
 * Each port after the first is one of the hub on the port before it. Only one form is accepted:
 * decimal numbers without leading zeros, none above 255, bus and ports from 1 on.
 */

#include <glib.h>

#define SCD_USB_MAX_DEPTH 7 /* tiers of a bus, USB 3.2, 4.1.1 */

/* Ports beyond n_ports are 0. */
typedef struct {
    guint8 bus;
    guint8 n_ports; /* 1 to SCD_USB_MAX_DEPTH */
    guint8 ports[SCD_USB_MAX_DEPTH];
} ScdUsbPort;

typedef struct {
    ScdUsbPort port;
    guint8 configuration;
    guint8 interface;
} ScdUsbPath;

/* The parsers leave their output unchanged when they return FALSE. */
gboolean scd_usb_port_parse(const char *text, ScdUsbPort *port);
gboolean scd_usb_path_parse(const char *text, ScdUsbPath *path);

/*
 * Parses a driver's answer to the request for its path (control code 3601). The NUL at the end is
 * part of the answer: one without it may be truncated and is refused.
 */
gboolean scd_usb_path_parse_answer(const guint8 *answer, gsize length, ScdUsbPath *path);

/*
 * Parses a driver's SCARD_ATTR_CHANNEL_ID (PC/SC part 3, 3.1.2): four bytes, the lowest first, with
 * the kind of channel in the upper 16 bits, 0x0020 for USB, and bus and device address in the lower
 * 16. The kernel assigns a new address each time the device is plugged in. Returns FALSE for other
 * channels and for values that no USB device can have.
 */
gboolean scd_usb_address_parse_channel_id(const guint8 *bytes, gsize length, guint8 *bus,
                                          guint8 *address);

/* The caller frees the text. */
char *scd_usb_port_to_string(const ScdUsbPort *port);
char *scd_usb_path_to_string(const ScdUsbPath *path);

gboolean scd_usb_port_equal(const ScdUsbPort *a, const ScdUsbPort *b);
gboolean scd_usb_path_equal(const ScdUsbPath *a, const ScdUsbPath *b);

/*
 * Returns the position as one element of a D-Bus object path, which the caller frees: usb_1_3_1 for
 * port 1-3.1, followed by the interface and the slot if they are not 0: usb_1_3_1_if2_slot1. The
 * configuration is left out: a device has one at a time. Different positions have different labels,
 * and no label of a reader's name (reader-name.h) begins like one.
 */
char *scd_usb_path_to_label(const ScdUsbPath *path, guint slot);
