/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A list of GBytes that is embedded in another structure, and GBytes for bytes that may hold a PIN.
 *
 * Most lists have one element, as most calls have one command and one response. Such a list
 * allocates no memory.
 */

#include <glib.h>

#include "base/limit.h"

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

/* The same, charged to the account, even beyond its limit, until it is freed. account: NULL: none.
 */
GBytes *scd_secret_new_charged(gconstpointer data, gsize length, ScdAccount *account);
