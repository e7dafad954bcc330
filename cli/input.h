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

/* name: a file; "-" is the standard input. Prints a note if that is a terminal. Blocks. */
CtlInput *ctl_input_read(const char *name, CtlOutput *output, GError **error);
void ctl_input_free(CtlInput *input);

/* Returns the bytes, which are wiped with their last reference. */
GBytes *ctl_input_parse_hex(const char *hex, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlInput, ctl_input_free)
