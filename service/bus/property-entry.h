/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The value of a property in the encoding of D-Bus: an entry {sv} of the dictionaries that are
 * sent. Equal entries are the same object: most properties of one reader have the values of
 * another. In the main thread only.
 */

#include <glib.h>

typedef struct {
    guint references;
    guint32 length;   /* of the entry */
    guint32 value_at; /* where its variant begins, a signature */
    guint8 bytes[];   /* alignment counts from the first one */
} ScdPropertyEntry;

/*
 * Returns a reference. value: a basic type or an array of such, none of them with an alignment
 * above 4, so that the variant can be moved to any multiple of 4; a floating one is sunk.
 */
ScdPropertyEntry *scd_property_entry_get(const char *name, GVariant *value);

void scd_property_entry_unref(ScdPropertyEntry *entry);

/* Returns the value of a string or an object path. */
const char *scd_property_entry_text(const ScdPropertyEntry *entry);

/* Appends the entry, or its variant alone, to a message that begins at start. */
void scd_property_entry_append(const ScdPropertyEntry *entry, GByteArray *message, gsize start);
void scd_property_entry_append_variant(const ScdPropertyEntry *entry, GByteArray *message,
                                       gsize start);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdPropertyEntry, scd_property_entry_unref)
