/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Bytes of commands and responses, which may hold a PIN: lists of GBytes, copies that are wiped,
 * and hexadecimal text.
 */

#include <glib.h>

#include "base/limit.h"

/*
 * A list of GBytes that is embedded in another structure. Most lists have one element, as most
 * calls have one command and one response. Such a list allocates no memory.
 */
typedef struct {
    guint length;
    guint room; /* allocated elements of others */
    GBytes *first;
    GBytes **others;
} ScdBytesList;

/* Takes the reference to the bytes. A list that is all zero is an empty one. */
void scd_bytes_list_add(ScdBytesList *list, GBytes *bytes);

/* Returns an element, which the list still owns. index must be valid. */
GBytes *scd_bytes_list_get(const ScdBytesList *list, guint index);

void scd_bytes_list_clear(ScdBytesList *list);

/* Bytes that a secret takes beside its data. */
#define SCD_SECRET_COST 128

/*
 * Returns a copy of the data that is wiped when the last reference to it is released. The caller
 * wipes the original.
 */
GBytes *scd_secret_new(gconstpointer data, gsize length);

/* The charge for a secret of so many bytes. */
#define SCD_SECRET_CHARGE(length) (SCD_SECRET_COST + 2 * (gsize)(length))

/*
 * The same, charged to the account, even beyond its limit, until it is freed. The data is charged
 * twice: the reply may have a copy of it until the bus has read that.
 */
GBytes *scd_secret_new_charged(gconstpointer data, gsize length, ScdAccount *account);

/* The same, for data that the caller writes: all of it, before anybody else sees the bytes. */
GBytes *scd_secret_new_of_size(gsize length, ScdAccount *account, guint8 **data);

/*
 * Conversion between bytes and hexadecimal text. Errors have a position and never quote the text,
 * and the bytes parsed from a refused text are wiped. The caller wipes the bytes that are returned.
 */

/* Writes upper-case digits, two a byte, and a NUL. */
void scd_hex_write(char *hex, const guint8 *bytes, gsize length);

/* Returns upper-case digits, two a byte, without separators. The caller frees the text. */
char *scd_hex_from_bytes(const guint8 *bytes, gsize length);

/*
 * Parses digits of either case, two a byte. Spaces and colons may separate bytes and stand at both
 * ends, but not between the digits of a byte. An empty text is zero bytes; the return value is NULL
 * only on error, SCD_INVALID_ARGS, whose position counts the characters of the text from 1. The
 * caller frees the bytes.
 */
guint8 *scd_hex_to_bytes(const char *hex, gsize *length, GError **error);
