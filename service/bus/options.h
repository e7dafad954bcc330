/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads the options of a method: an a{sv}, checked against a table of the keys that the method
 * accepts, their types, and the variables for their values.
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
 * The variable of a key that is not given keeps its value.
 */

#include <glib.h>

typedef struct {
    const char *key;    /* NULL ends the table, of at most 32 keys */
    const char *format; /* of g_variant_get(): "b", "u", "&s", "^a&s", "@ay" */
    gpointer target;    /* a variable of the type that the format needs */
} ScdOption;

/*
 * Fails with SCD_INVALID_ARGS, and sets no variable, if a key is not in the table or given
 * twice, or if a value has another type. Values of the formats "&s" and "^a&s" point into the
 * dictionary: they are valid until the next g_variant_get() with a "&" of the arguments around it,
 * which moves its content.
 */
gboolean scd_options_read(GVariant *dictionary, const ScdOption *known, GError **error);
