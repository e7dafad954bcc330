/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a reader is plugged in, in the words of /sys/bus/usb/devices:
 *
 *     port   BUS-PORT[.PORT...]                          1-3.1
 *     path   BUS-PORT[.PORT...]:CONFIGURATION.INTERFACE  1-3.1:1.0
 *
 * Each port after the first is one of the hub on the port before it. The text has one form only:
 * decimal numbers without zeros in front, none above 255, bus and ports from 1 on. Text of any
 * other form is no port and no path: better none than a wrong one.
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

/* Nothing is written where FALSE is returned. */
gboolean scd_usb_port_parse(const char *text, ScdUsbPort *port);
gboolean scd_usb_path_parse(const char *text, ScdUsbPath *path);

/*
 * Reads what a driver answers when asked for its path (control code 3601). The NUL at the end
 * belongs to the answer: one without it may have been cut.
 */
gboolean scd_usb_path_parse_answer(const guint8 *answer, gsize length, ScdUsbPath *path);

char *scd_usb_port_to_string(const ScdUsbPort *port);
char *scd_usb_path_to_string(const ScdUsbPath *path);

gboolean scd_usb_port_equal(const ScdUsbPort *a, const ScdUsbPort *b);
gboolean scd_usb_path_equal(const ScdUsbPath *a, const ScdUsbPath *b);

/*
 * The position as one element of a D-Bus object path: usb_1_3_1 for port 1-3.1, and after that the
 * interface and the slot when they are not 0: usb_1_3_1_if2_slot1. The configuration is not in it:
 * a device has one at a time. No two positions share a label, and no label of a reader's name
 * (reader-name.h) begins like one.
 */
char *scd_usb_path_to_label(const ScdUsbPath *path, guint slot);
