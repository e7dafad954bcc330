/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A target of libFuzzer: one parser of base/, fed with any bytes. It asserts what the parser's
 * header promises; that nothing is read past the end is what the sanitizers see to.
 */

#include <glib.h>

/* Defined by each target. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* The input as a parser of text gets it: as far as the first NUL. */
char *scd_fuzz_dup_text(const guint8 *data, gsize size);

/* The input as the lines of a group of a key file, so that it need not be guessed. */
GString *scd_fuzz_new_group(const char *group, const guint8 *data, gsize size);

/* As device-text.h has it: clean text stays as it is. */
void scd_fuzz_assert_clean(const char *text);

/* Texts of UTF-8, for people. */
void scd_fuzz_assert_texts(char **texts);
