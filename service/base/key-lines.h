/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The text of a key file (GKeyFile), line by line.
 *
 * A fault must not keep the rest from being read: what is not understood is told and passed over,
 * and only that, each line being as good as the next. Any bytes will do.
 */

#include <glib.h>

/*
 * The last two give what is wrong with what they are told, in a line of English; NULL when nothing
 * is.
 */
typedef struct {
    /* Whose lines are read, and their faults told; NULL is what stands before the first. */
    gboolean (*is_mine)(const char *group);
    char *(*group)(gpointer data, const char *group); /* it begins here; NULL takes any */
    char *(*value)(gpointer data, const char *group, const char *key, const char *value);
} ScdKeyLinesReader;

/* Gives all that was wrong, a line each, with the number of the line before it. */
char **scd_key_lines_read(const char *text, gsize length, const ScdKeyLinesReader *reader,
                          gpointer data);
