/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Bytes as hexadecimal text, for people and shells.
 *
 * The bytes may be an APDU and hold a PIN: an error tells a position, never what stands there, and
 * what was read of a refused text is wiped. To wipe the bytes returned is the caller's duty.
 */

#include <glib.h>

/* Upper-case digits, two a byte, without separators. */
char *scd_hex_from_bytes(const guint8 *bytes, gsize length);

/*
 * Reads digits of either case, two a byte. Spaces and colons may stand before, between and after
 * bytes, but not inside one. An empty text is zero bytes; NULL is always an error,
 * SCD_INVALID_ARGUMENT. The position it tells counts the characters of the text from 1.
 */
guint8 *scd_hex_to_bytes(const char *hex, gsize *length, GError **error);
