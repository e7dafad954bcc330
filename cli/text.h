/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text for a screen. The names of readers and cards are a stranger's, and a
 * terminal obeys control characters.
 */

#include <glib.h>

/*
 * Each character that does not print, or that turns the direction of writing, as \uXXXX: as in
 * JSON, where it means the same. A newline stays if it is to.
 */
char *ctl_text_escape(const char *text, gboolean keep_newlines);

/* The columns that it takes on a terminal; of printing characters only. */
guint ctl_text_width(const char *text);

/* With spaces up to that width. */
char *ctl_text_pad(const char *text, guint width);

/* As much of it as takes no more than that width. */
char *ctl_text_cut(const char *text, guint width);

/* The same, with "..." for what is left out. */
char *ctl_text_shorten(const char *text, guint width);

/* Of an argument: in the locale's encoding or, as a name may be copied from elsewhere, in UTF-8. */
char *ctl_text_from_argument(const char *argument);
