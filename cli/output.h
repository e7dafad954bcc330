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

typedef struct CtlOutput CtlOutput;

CtlOutput *ctl_output_new(void);
void ctl_output_free(CtlOutput *output);

gboolean ctl_output_is_terminal(const CtlOutput *output);

/* Of the terminal, as it is now. */
guint ctl_output_columns(const CtlOutput *output);

/* Without its newline; safe to be shown: see ctl_text_escape(). */
void ctl_output_line(CtlOutput *output, const char *line);

/* As they are; not for a terminal. */
void ctl_output_bytes(CtlOutput *output, GBytes *bytes);

/* A word to people: on the standard error where a script may read the output. */
void ctl_output_note(CtlOutput *output, const char *note);

/* NULL for none. Nothing happens where the output is no terminal. */
void ctl_output_set_status(CtlOutput *output, const char *status);

/* Whether there is any sense in going on. */
gboolean ctl_output_is_open(const CtlOutput *output);

/* Erases the status and closes the standard output; says what went wrong. An exit status. */
int ctl_output_finish(CtlOutput *output);

/* A line on the standard error, after our name; the message may be a stranger's. */
void ctl_output_print_error(const char *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlOutput, ctl_output_free)
