/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The wire format of D-Bus messages (D-Bus specification, "Message Protocol"),
 * as far as a gatekeeper needs it: the length and the header of a message, and
 * the number of values in its body.
 *
 * GDBus allocates some 70 bytes for each value of a body before any code of the
 * service sees the message: 32 MiB of one-byte variants become 2 GiB. So the
 * values are counted on the wire, before GDBus reads them. The walk also
 * verifies the body, because GDBus closes the connection over a malformed one
 * and not every bus verifies bodies.
 *
 * Pure functions: no allocation, nothing is kept.
 */

#include <glib.h>

#define SCD_DBUS_FIXED_HEADER 16

typedef enum {
    SCD_DBUS_METHOD_CALL = 1,
    SCD_DBUS_METHOD_RETURN = 2,
    SCD_DBUS_ERROR = 3,
    SCD_DBUS_SIGNAL = 4,
} ScdDbusType;

#define SCD_DBUS_FLAG_NO_REPLY_EXPECTED 0x01

/* Strings point into the message. A field that is missing is NULL, or 0. */
typedef struct {
    guint8 type;
    guint8 flags;
    gboolean big_endian;
    guint32 body_length;
    guint32 serial;
    guint32 reply_serial;
    guint32 unix_fds;
    const char *path;
    const char *interface;
    const char *member;
    const char *error_name;
    const char *destination;
    const char *sender;
    const char *signature; /* "" when the body is empty */
} ScdDbusHeader;

/*
 * Reads the lengths from the first SCD_DBUS_FIXED_HEADER bytes of a message:
 * of the header with its padding, and of header and body. FALSE for bytes that
 * do not begin a message, or one longer than the protocol allows (128 MiB).
 */
gboolean scd_dbus_measure(const guint8 *fixed, gsize *header_length, gsize *length);

/* bytes: header_length of them. FALSE when the header is malformed. */
gboolean scd_dbus_read_header(const guint8 *bytes, gsize header_length, ScdDbusHeader *header);

/*
 * Counts the values of a body, containers included; an array of numbers or of
 * bytes counts as one. FALSE when the body does not fit the header's signature
 * or has more than `most` values.
 */
gboolean scd_dbus_count_values(const ScdDbusHeader *header, const guint8 *body, gsize most,
                               gsize *count);
