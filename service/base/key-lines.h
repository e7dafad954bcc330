/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads the text of a key file (GKeyFile) line by line.
 *
 * An error in one line does not affect the others: each line that is not valid causes a warning and
 * is ignored. Any bytes are accepted.
 */

#include <glib.h>

/* group() and value() return a warning in English, which the caller frees, or NULL. */
typedef struct {
    /*
     * Returns whether to read the lines of a group and to warn about them. NULL stands for the
     * lines before the first group.
     */
    gboolean (*is_mine)(const char *group);
    char *(*group)(gpointer data, const char *group); /* at the header of a group; may be NULL */
    char *(*value)(gpointer data, const char *group, const char *key, const char *value);
} ScdKeyLinesReader;

/* Returns all warnings, each with the number of its line in front. The caller frees the vector. */
char **scd_key_lines_read(const char *text, gsize length, const ScdKeyLinesReader *reader,
                          gpointer data);
