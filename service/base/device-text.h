/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a device says of itself: its maker, its model, its serial number.
 *
 * Whoever made the device chose the bytes, so they are cleaned before anybody sees them. What comes
 * out is UTF-8 of one line without control characters.
 */

#include <glib.h>

/*
 * The text as far as the first NUL, without white space at its ends. Bytes that are no UTF-8,
 * control characters, and signs that are not seen but change how others are shown (such as the
 * direction of writing) become U+FFFD, one each. NULL with length 0 will do.
 */
char *scd_device_text_clean(const void *bytes, gsize length);
