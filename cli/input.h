/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads a whole file or the standard input before a command starts. The text may contain a PIN, and
 * is wiped when freed.
 */

#include "output.h"

typedef struct {
    gsize length;
    char text[]; /* ends with the only NUL byte; callers may modify it */
} CtlInput;

/*
 * name: a file; "-" is the standard input. Blocks: prints a note if it is a terminal, and a
 * terminal shows a status while a pipe is empty.
 *
 * timeout_us: the time limit of the command. The time that passes while a pipe is read is taken
 * from it; the time for input from a terminal is not.
 */
CtlInput *ctl_input_read(const char *name, CtlOutput *output, gint64 *timeout_us, GError **error);
void ctl_input_free(CtlInput *input);

/* Returns the bytes, which are wiped with their last reference. */
GBytes *ctl_input_parse_hex(const char *hex, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlInput, ctl_input_free)
