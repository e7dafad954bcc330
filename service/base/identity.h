/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The identity of a reader: its device and the properties of that, worked out from the answers of
 * its driver, from the kernel's entry for the device, and from the PC/SC name.
 *
 * The USB path is that in the driver's answer to control code 3601; else that of the device with
 * the address in the channel id; and if the driver answers neither, that of the only device that
 * fits the name. Properties from the kernel take precedence over those from the driver. A value
 * that is not certain is left out.
 */

#include <glib.h>

#include "base/feature.h"
#include "base/usb-path.h"

/* The answers of a driver; NULL where it gave none. */
typedef struct {
    gboolean asked;             /* FALSE if another program had the reader: to be probed again */
    GBytes *usb_path;           /* control code 3601 of libccid */
    GBytes *channel_id;         /* SCARD_ATTR_CHANNEL_ID */
    GBytes *vendor;             /* SCARD_ATTR_VENDOR_NAME */
    GBytes *product;            /* SCARD_ATTR_VENDOR_IFD_TYPE */
    GBytes *serial;             /* SCARD_ATTR_VENDOR_IFD_SERIAL_NO */
    GBytes *version;            /* SCARD_ATTR_VENDOR_IFD_VERSION */
    GBytes *features;           /* CM_IOCTL_GET_FEATURE_REQUEST */
    GBytes *tlv_properties;     /* GET_TLV_PROPERTIES, a feature */
    GBytes *pin_properties;     /* IFD_PIN_PROPERTIES, likewise */
    GBytes *display_properties; /* IFD_DISPLAY_PROPERTIES, likewise */
} ScdDriverAnswers;

void scd_driver_answers_clear(ScdDriverAnswers *answers);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScdDriverAnswers, scd_driver_answers_clear)

#define SCD_DEFAULT_SEAT "seat0"

/*
 * Immutable once it is shared. Texts are cleaned (scd_device_text_clean()), never NULL, and empty
 * if unknown.
 */
typedef struct {
    char *name;        /* PC/SC name as text */
    gboolean complete; /* the driver has answered: another probe would not find more */
    guint slot;
    gboolean has_usb_path;
    ScdUsbPath usb_path;
    gboolean in_kernel;  /* the kernel has the device, at usb_port */
    ScdUsbPort usb_port; /* set even if the interface, and hence the path, is unknown */
    guint8 usb_bus;      /* 0 if unknown, also for the address and the ids */
    guint8 usb_address;
    guint16 vendor_id;
    guint16 product_id;
    char *vendor;
    char *product;
    char *serial;
    char *driver_version; /* "2.1.0" */
    char **features;      /* words (feature.h) */
    GBytes *feature_list; /* as the driver sent it, or empty */
    guint32 command_max;  /* bytes of data in a command APDU; 0 if unknown */
    ScdDisplaySize display;
    gboolean built_in;
    char *seat; /* "seat0"; the probe and the seat watch replace it by udev's value */
} ScdIdentity;

/*
 * reader: its PC/SC name. sysfs: the path of /sys, or NULL not to read it. Reading may block: not
 * for the main thread unless sysfs is NULL.
 */
ScdIdentity *scd_identity_new(const char *reader, const ScdDriverAnswers *answers,
                              const char *sysfs);

/* Returns the number of its interface in the USB device, 0 if unknown. */
guint8 scd_identity_interface(const ScdIdentity *identity);

/*
 * Returns whether the identity has more than the earlier one: the driver's answers, a USB path at
 * all, or other features.
 */
gboolean scd_identity_is_better(const ScdIdentity *identity, const ScdIdentity *before);

/*
 * Returns whether the driver reports another place than before: another reader, or the same one
 * after it was plugged in again.
 */
gboolean scd_identity_is_elsewhere(const ScdIdentity *identity, const ScdIdentity *before);

/* Returns a new identity, which differs in the seat. */
ScdIdentity *scd_identity_copy_with_seat(const ScdIdentity *identity, const char *seat);

ScdIdentity *scd_identity_ref(const ScdIdentity *identity);
void scd_identity_unref(ScdIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdIdentity, scd_identity_unref)
