/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The regular expressions by which pcsc-tools' smartcard_list.txt describes ATRs.
 *
 * Of that language the list uses, and we know: a character for itself, "." for any, "[0-9]" and
 * "[1,3]" for one of some digits, and ".*" for anything, once in a pattern. A pattern with anything
 * else matches no ATR. Any text may be tried: the time is linear in it, as there is nothing to go
 * back for.
 */

#include <glib.h>

#include "base/atr.h"

/* An ATR as the list writes it: "3B 02 14 50", upper case. */
typedef struct {
    char text[3 * SCD_ATR_MAX_LENGTH];
    gsize length; /* bytes of text, which has no NUL at its end */
} ScdAtrText;

/* An ATR of no bytes or too many becomes the empty text. */
void scd_atr_text_init(ScdAtrText *atr, const guint8 *bytes, gsize length);

/* Whether the pattern of so many bytes stands for the whole ATR; the case of digits is ignored. */
gboolean scd_atr_pattern_matches(const char *pattern, gsize length, const ScdAtrText *atr);
