/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The standard output, unbuffered. A terminal gets text in the locale's encoding, a pipe or a file
 * always UTF-8. A terminal can have a status below the lines, which does not scroll away.
 *
 * After a write error nothing more is written, and the exit status is 1, except when the reading
 * end of a pipe was closed, as head(1) does, which is not an error.
 *
 * Also the text for it. The names of readers and cards come from devices, and terminals interpret
 * control characters. The functions ctl_text_…() return new strings.
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

typedef struct CtlOutput CtlOutput;

CtlOutput *ctl_output_new(void);
void ctl_output_free(CtlOutput *output);

gboolean ctl_output_is_terminal(const CtlOutput *output);

/* Returns the current width of the terminal. */
guint ctl_output_columns(const CtlOutput *output);

/* line: without the newline, escaped: see ctl_text_escape(). */
void ctl_output_line(CtlOutput *output, const char *line);

/* Writes the bytes unchanged; not for a terminal. */
void ctl_output_bytes(CtlOutput *output, GBytes *bytes);

/* Prints a note for a person: on the standard error if the standard output is no terminal. */
void ctl_output_note(CtlOutput *output, const char *note);

/* NULL removes the status. Does nothing without a terminal. */
void ctl_output_set_status(CtlOutput *output, const char *status);

/*
 * Returns whether a program asks for a password on the terminal, which has no echo then. A status
 * would erase the question.
 */
gboolean ctl_output_is_asking(const CtlOutput *output);

/* Returns FALSE after a write error. */
gboolean ctl_output_is_open(const CtlOutput *output);

/* Erases the status and closes the standard output. Prints an error; returns an exit status. */
int ctl_output_finish(CtlOutput *output);

/* Prints a line on the standard error, after the program name. Escapes the message. */
void ctl_output_print_error(const char *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlOutput, ctl_output_free)
