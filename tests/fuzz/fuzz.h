/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Each target of libFuzzer passes any bytes to one parser of base/, and asserts what the header of
 * the parser promises. The sanitizers detect reads past the end.
 */

#include <glib.h>

/* Defined by each target. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* Returns the input up to the first NUL, as text for a parser. */
char *scd_fuzz_dup_text(const guint8 *data, gsize size);

/*
 * Returns the input as the lines of a group of a key file, so that the fuzzer need not guess the
 * header.
 */
GString *scd_fuzz_new_group(const char *group, const guint8 *data, gsize size);

/* Asserts that the text is as scd_device_text_clean() promises, and unchanged by another call. */
void scd_fuzz_assert_clean(const char *text);

/* Asserts that all texts are valid UTF-8. */
void scd_fuzz_assert_texts(char **texts);
