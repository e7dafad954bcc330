/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The regular expressions that describe ATRs in pcsc-tools' smartcard_list.txt.
 *
 * Supported is the part of the language that the list uses: a character for itself, "." for any
 * character, "[0-9]" and "[1,3]" for one of some digits, and ".*" for any text, once in a pattern.
 * A pattern with any other construct matches no ATR. The matcher does not backtrack: it takes
 * linear time for any pattern.
 */

#include <glib.h>

#include "base/atr.h"

/* An ATR in the form of the list, in upper case: "3B 02 14 50". */
typedef struct {
    char text[3 * SCD_ATR_MAX_LENGTH];
    gsize length; /* bytes of text, which does not end with a NUL */
} ScdAtrText;

/* An ATR of 0 or more than SCD_ATR_MAX_LENGTH bytes becomes the empty text. */
void scd_atr_text_init(ScdAtrText *atr, const guint8 *bytes, gsize length);

/* Returns whether the pattern of length bytes matches the whole ATR; the case is ignored. */
gboolean scd_atr_pattern_matches(const char *pattern, gsize length, const ScdAtrText *atr);
