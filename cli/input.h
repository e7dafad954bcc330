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
} ScdInput;

/* name: of a file; "-" is the standard input. Whoever has to type is told so. */
ScdInput *scd_input_read(const char *name, ScdOutput *output, GError **error);
void scd_input_free(ScdInput *input);

/* The bytes of an APDU, to be wiped with their last reference. */
GBytes *scd_input_parse_hex(const char *hex, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdInput, scd_input_free)
