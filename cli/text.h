/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text for a terminal. The names of readers and cards come from devices, and terminals interpret
 * control characters. All functions return new strings.
 */

#include <glib.h>

/*
 * Replaces characters that do not print or that change the direction of writing by \uXXXX, which
 * means the same in JSON. Optionally keeps newlines.
 */
char *ctl_text_escape(const char *text, gboolean keep_newlines);

/*
 * Joins the fields of a line for scripts by tabs. An empty field becomes "-": the shell's read
 * takes two tabs for one. The last argument is NULL.
 */
char *ctl_text_join_fields(const char *first, ...) G_GNUC_NULL_TERMINATED;

/* Returns the columns that a text of printing characters takes on a terminal. */
guint ctl_text_width(const char *text);

/* Appends spaces up to the width. */
char *ctl_text_pad(const char *text, guint width);

/* Returns the longest beginning that fits the width. */
char *ctl_text_cut(const char *text, guint width);

/* The same, with "..." at the end of a text that was cut. */
char *ctl_text_shorten(const char *text, guint width);

/*
 * Returns an argument as UTF-8. It may be in UTF-8 already, as names are copied from elsewhere, or
 * in the locale's encoding. NULL if it is in neither.
 */
char *ctl_text_from_argument(const char *argument);
