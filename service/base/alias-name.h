/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names that aliases may have. */

#include <glib.h>

#define SCD_ALIAS_MAX_LENGTH 64 /* bytes */

/*
 * Returns whether the name is valid: 1 to SCD_ALIAS_MAX_LENGTH bytes of UTF-8, made of letters and
 * digits of any script and, after the first character, also "-", "_", "." and single spaces. USB
 * ports and PC/SC names ("Front desk 00 00") are refused because they already name readers. The
 * error is SCD_INVALID_ARGS.
 */
gboolean scd_alias_check_name(const char *name, GError **error);
