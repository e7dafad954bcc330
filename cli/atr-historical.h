/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Explains the historical bytes of an ATR by ISO/IEC 7816-4:2020, clause 12.1.1, and those of
 * contactless storage cards by PC/SC part 3, 3.1.3.2.3. The texts are in the user's language. Any
 * bytes may be explained.
 */

#include <glib.h>

/*
 * Appends a line to a text of lines, which has no newline at its end: a name such as "TA1", the
 * bytes, and their meaning. With length 0 and an empty name, the line continues the meaning of the
 * line above.
 */
void ctl_atr_add_line(GString *text, const char *name, const guint8 *bytes, gsize length,
                      const char *meaning);

/* Appends the lines of the historical bytes T1 to TK, at most 15; none if there are no bytes. */
void ctl_atr_explain_historical_bytes(GString *text, const guint8 *bytes, gsize length);
