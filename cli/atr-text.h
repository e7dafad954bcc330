/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Explains an ATR to a person, byte by byte, as pcsc_scan(1) does: the interface bytes by ISO/IEC
 * 7816-3:2006, clause 8, and the historical bytes by atr-historical.h.
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
