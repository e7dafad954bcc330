/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Writes D-Bus messages (D-Bus specification, "Message Protocol") in the byte order of this
 * machine. GDBus can write whole messages only, and takes several times as long.
 *
 * Alignment counts from the first byte of a message, which is at start in the array: so several
 * messages can follow each other in one. The header ends with its padding, and the body follows.
 * None of the functions has a state.
 */

#include "base/dbus-message.h"

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
