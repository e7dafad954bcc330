/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Conversion between bytes and hexadecimal text.
 *
 * The bytes may be an APDU and hold a PIN: errors have a position and never quote the text, and the
 * bytes parsed from a refused text are wiped. The caller wipes the bytes that are returned.
 */

#include <glib.h>

/* Returns upper-case digits, two a byte, without separators. The caller frees the text. */
char *scd_hex_from_bytes(const guint8 *bytes, gsize length);

/*
 * Parses digits of either case, two a byte. Spaces and colons may separate bytes and stand at both
 * ends, but not between the digits of a byte. An empty text is zero bytes; the return value is NULL
 * only on error, SCD_INVALID_ARGS, whose position counts the characters of the text from 1. The
 * caller frees the bytes.
 */
guint8 *scd_hex_to_bytes(const char *hex, gsize *length, GError **error);
