/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Explains an ATR to a person, byte by byte, as pcsc_scan(1) does: the interface bytes by ISO/IEC
 * 7816-3:2006, clause 8, the historical bytes by ISO/IEC 7816-4:2020, clause 12.1.1, and those of
 * contactless storage cards by PC/SC part 3, 3.1.3.2.3.
 *
 * Any bytes may be explained. Unlike scd_atr_parse(), the function explains the beginning of a
 * truncated ATR, and names the bytes that are missing.
 */

#include <glib.h>

/*
 * Returns lines in the user's language, without a newline at the end: the name of a byte, the byte,
 * and its meaning. Empty if length is 0. The caller frees the text.
 */
char *ctl_atr_explain(const guint8 *bytes, gsize length);

/* The next two functions are for the files of this unit: atr-text.c and atr-historical.c. */

/*
 * Appends a line to a text of lines, which has no newline at its end: a name such as "TA1", the
 * bytes, and their meaning. With length 0 and an empty name, the line continues the meaning of the
 * line above.
 */
void ctl_atr_add_line(GString *text, const char *name, const guint8 *bytes, gsize length,
                      const char *meaning);

/* Appends the lines of the historical bytes T1 to TK, at most 15; none if there are no bytes. */
void ctl_atr_explain_historical_bytes(GString *text, const guint8 *bytes, gsize length);
