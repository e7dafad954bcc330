/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which device a reader is, and what is known of it: worked out of what the driver answers, what
 * the kernel knows of the device, and the PC/SC name.
 *
 * The place is what the driver says of it (control code 3601); else that of the device whose
 * address the driver says (the channel id); and when the driver says neither, that of the only
 * device that fits the name. What the kernel tells of the device counts before what the driver
 * does. What nobody knows for sure is not known.
 */

#include <glib.h>

#include "base/usb-path.h"

/* What a driver answered; NULL for what it did not. */
typedef struct {
    gboolean asked;         /* FALSE when somebody else had the reader: to be tried again */
    GBytes *usb_path;       /* control code 3601 of libccid */
    GBytes *channel_id;     /* SCARD_ATTR_CHANNEL_ID */
    GBytes *vendor;         /* SCARD_ATTR_VENDOR_NAME */
    GBytes *product;        /* SCARD_ATTR_VENDOR_IFD_TYPE */
    GBytes *serial;         /* SCARD_ATTR_VENDOR_IFD_SERIAL_NO */
    GBytes *version;        /* SCARD_ATTR_VENDOR_IFD_VERSION */
    GBytes *features;       /* CM_IOCTL_GET_FEATURE_REQUEST */
    GBytes *tlv_properties; /* GET_TLV_PROPERTIES, a feature */
} ScdDriverAnswers;

void scd_driver_answers_clear(ScdDriverAnswers *answers);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScdDriverAnswers, scd_driver_answers_clear)

/*
 * Never changes once others have it. Texts are never NULL and clean (device-text.h), empty when not
 * known.
 */
typedef struct {
    gboolean complete; /* the driver was asked: there is nothing more to find out */
    guint slot;
    gboolean has_usb_path;
    ScdUsbPath usb_path;
    gboolean in_kernel;  /* the kernel has the device, at usb_port */
    ScdUsbPort usb_port; /* also where the interface and hence the path is not known */
    guint8 usb_bus;      /* 0 when not known, likewise the address and the ids */
    guint8 usb_address;
    guint16 vendor_id;
    guint16 product_id;
    char *vendor;
    char *product;
    char *serial;
    char *driver_version; /* "2.1.0" */
    char **features;      /* words (feature.h) */
    gboolean built_in;
    char *seat; /* "seat0"; who asks udev may put another one here */
} ScdIdentity;

/*
 * reader: its PC/SC name. sysfs: where /sys is, which is read, so never on the main thread; NULL
 * not to look there.
 */
ScdIdentity *scd_identity_new(const char *reader, const ScdDriverAnswers *answers,
                              const char *sysfs);

/* The number of its interface in the USB device; 0 where that is not known. */
guint8 scd_identity_interface(const ScdIdentity *identity);

/* Whether it says more than what was found before: the driver's word, or a place at all. */
gboolean scd_identity_is_better(const ScdIdentity *identity, const ScdIdentity *before);

/* Whether the driver tells now of another place than it did before: another reader, or replugged.
 */
gboolean scd_identity_is_elsewhere(const ScdIdentity *identity, const ScdIdentity *before);

ScdIdentity *scd_identity_ref(const ScdIdentity *identity);
void scd_identity_unref(ScdIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdIdentity, scd_identity_unref)
