/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The options of a method: an a{sv} is checked against a table of the keys that the method knows,
 * their types, and where their values go.
 *
 *     gboolean follow = FALSE;
 *     const char *protocol = NULL;
 *     const ScdOption known[] = {
 *         {"follow", "b", &follow},
 *         {"protocol", "&s", &protocol},
 *         {NULL, NULL, NULL},
 *     };
 *
 *     if (!scd_options_read(options, known, &error))
 *         …
 *
 * A variable keeps what was in it when its key is not given. Callers are strangers: a key that is
 * not in the table, that is given twice, or whose value has another type is
 * SCD_INVALID_ARGUMENT, and then no variable is touched.
 */

#include <glib.h>

typedef struct {
    const char *key;    /* NULL ends the table, of at most 32 keys */
    const char *format; /* of g_variant_get(), for one value: "b", "u", "&s", "^a&s", "@ay" */
    gpointer target;    /* a variable of the type that the format needs */
} ScdOption;

/* Values borrowed by their format ("&s", "^a&s") belong to the dictionary. */
gboolean scd_options_read(GVariant *dictionary, const ScdOption *known, GError **error);
