/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a command reads before it does anything: a file or the standard input,
 * whole. It may hold a PIN, and is wiped when it is freed.
 */

#include "output.h"

typedef struct {
    gsize length;
    char text[]; /* ends with a NUL byte, and has no other; its user may write into it */
} CtlInput;

/* name: of a file; "-" is the standard input. Whoever has to type is told so. */
CtlInput *ctl_input_read(const char *name, CtlOutput *output, GError **error);
void ctl_input_free(CtlInput *input);

/* The bytes of an APDU, to be wiped with their last reference. */
GBytes *ctl_input_parse_hex(const char *hex, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlInput, ctl_input_free)
