/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A list of GBytes inside something else. Most have one alone, as a call has one
 * command and one response: that takes no memory of its own.
 */

#include <glib.h>

typedef struct {
    guint length;
    guint room; /* for so many in others */
    GBytes *first;
    GBytes **others;
} ScdBytesList;

/* Takes over the bytes. A list that is all zero is an empty one. */
void scd_bytes_list_add(ScdBytesList *list, GBytes *bytes);

/* One that is there; the list keeps it. */
GBytes *scd_bytes_list_get(const ScdBytesList *list, guint index);

void scd_bytes_list_clear(ScdBytesList *list);
