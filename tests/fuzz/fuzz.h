/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Each target passes any bytes to one parser, or to a program whose peer answers by these bytes,
 * and asserts what the header of the parser promises. The sanitizers detect reads past the end.
 *
 * In a build with -Dfuzz=true a target is a program of libFuzzer, which invents the bytes. In all
 * other builds it is a test, replay.c, which takes them from corpus/.
 */

#include <glib.h>

/* Defined by each target. */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* Called once, before the first input: drops all messages of GLib, and makes criticals fatal. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

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

/* Asserts that a function has either a result or an error. */
void scd_fuzz_assert_result(gboolean succeeded, const GError *error);

/*
 * Input that is read from the start as a list of choices. When it is used up, all numbers are 0 and
 * all texts are empty: a target gives the value 0 the usual meaning.
 */
typedef struct {
    const guint8 *data;
    gsize size; /* of the rest */
} ScdFuzzInput;

guint8 scd_fuzz_take_byte(ScdFuzzInput *input);
guint16 scd_fuzz_take_u16(ScdFuzzInput *input);
guint32 scd_fuzz_take_u32(ScdFuzzInput *input);

/* Returns a number below count, at most 256. */
guint scd_fuzz_pick(ScdFuzzInput *input, guint count);

/* Returns a part of the input that a byte, its length, precedes. */
const guint8 *scd_fuzz_take_bytes(ScdFuzzInput *input, gsize *length);

/* The same as text; as UTF-8 without NUL. The caller frees both. */
char *scd_fuzz_take_text(ScdFuzzInput *input);
char *scd_fuzz_take_utf8(ScdFuzzInput *input);
