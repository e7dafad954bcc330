/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Parses D-Bus messages (D-Bus specification, "Message Protocol") as far as is needed to admit or
 * refuse them: the length and the header of a message, and the number of values in its body.
 *
 * GDBus allocates about 70 bytes for each value of a body before the service receives the message:
 * 32 MiB of one-byte variants become 2 GiB. So the values are counted in the bytes, before GDBus
 * reads them. The body is validated at the same time, because GDBus closes the connection if a body
 * is malformed, and not every bus validates bodies.
 *
 * Also writes messages, in the byte order of this machine. GDBus can write whole messages only, and
 * takes several times as long. Alignment counts from the first byte of a message, which is at start
 * in the array: so several messages can follow each other in one. The header ends with its padding,
 * and the body follows.
 *
 * The functions that parse allocate nothing. None has a state.
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
 * Sets the length of the header with its padding, and that of the whole message, from the first
 * SCD_DBUS_FIXED_HEADER bytes. Returns FALSE if the bytes are not the beginning of a message, or if
 * the message is longer than the protocol allows (128 MiB).
 */
gboolean scd_dbus_measure(const guint8 *fixed, gsize *header_length, gsize *length);

/*
 * bytes: the first header_length bytes of a message. Fields whose codes are not known are ignored,
 * as the specification demands. Returns FALSE if the header is malformed.
 */
gboolean scd_dbus_read_header(const guint8 *bytes, gsize header_length, ScdDbusHeader *header);

/*
 * Counts the values of a body, with containers; an array of numbers or bytes counts as one. Returns
 * FALSE if the body does not match the header's signature or has more values than most.
 */
gboolean scd_dbus_count_values(const ScdDbusHeader *header, const guint8 *body, gsize most,
                               gsize *count);

/* Returns the serial number that follows the last one, which is 0 at first. */
guint32 scd_dbus_next_serial(guint32 last);

/* Returns the alignment of a type that begins with this character. */
gsize scd_dbus_alignment_of(char type);

/* Returns 0 for a type that is no number, and for booleans, which have two values only. */
gsize scd_dbus_size_of_number(char type);

/*
 * Appends a header: type, serial, and those of body_length, reply_serial, path, interface, member,
 * error_name, destination and signature that are set.
 */
void scd_dbus_append_header(GByteArray *message, const ScdDbusHeader *header);

/* Sets the length of the body, which is all that follows the header of the message at start. */
void scd_dbus_end_body(GByteArray *message, gsize start);

/* Appends an error that replies to a call: header and body. */
void scd_dbus_append_error(GByteArray *message, const ScdDbusHeader *header, const char *text);

/* Each appends a value with the padding before it. */
void scd_dbus_append_padding(GByteArray *message, gsize start, gsize alignment);
void scd_dbus_append_uint32(GByteArray *message, gsize start, guint32 number);
void scd_dbus_append_string(GByteArray *message, gsize start, const char *text);
void scd_dbus_append_signature(GByteArray *message, const char *signature);

/* value: of any type that D-Bus has. */
void scd_dbus_append_value(GByteArray *message, gsize start, GVariant *value);

/* Begins an array of elements with that alignment; returns its place for scd_dbus_end_array(). */
gsize scd_dbus_begin_array(GByteArray *message, gsize start, gsize alignment);

/* Sets the length of an array, which is all that follows its beginning. */
void scd_dbus_end_array(GByteArray *message, gsize array);
