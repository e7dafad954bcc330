/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The standard output, line by line, each written at once. A terminal gets text
 * in the locale's encoding, a pipe or a file always UTF-8. On a terminal there
 * can be a status below the lines, which never scrolls away.
 *
 * After a write that failed nothing more is written, and the exit status tells
 * so, but not when the reading end of a pipe was closed: whoever reads, as
 * head(1), has enough, which is no failure.
 */

#include <glib.h>

typedef struct ScdOutput ScdOutput;

ScdOutput *scd_output_new(void);
void scd_output_free(ScdOutput *output);

gboolean scd_output_is_terminal(const ScdOutput *output);

/* Of the terminal, as it is now. */
guint scd_output_columns(const ScdOutput *output);

/* Without its newline; safe to be shown: see scd_text_escape(). */
void scd_output_line(ScdOutput *output, const char *line);

/* As they are; not for a terminal. */
void scd_output_bytes(ScdOutput *output, GBytes *bytes);

/* A word to people: on the standard error where a script may read the output. */
void scd_output_note(ScdOutput *output, const char *note);

/* NULL for none. Nothing happens where the output is no terminal. */
void scd_output_set_status(ScdOutput *output, const char *status);

/* Whether there is any sense in going on. */
gboolean scd_output_is_open(const ScdOutput *output);

/* Erases the status and closes the standard output; says what went wrong. An exit status. */
int scd_output_finish(ScdOutput *output);

/* A line on the standard error, after our name; the message may be a stranger's. */
void scd_output_complain(const char *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdOutput, scd_output_free)
