/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any format of a PIN, and any command to put it into. */

#include "base/pin-format.h"

#include <string.h>

#include "base/error.h"
#include "fuzz.h"

#define MESSAGES 5

/* NULL is the default. */
static const char *const charsets[] = {NULL, "numeric", "latin", ""};
static const char *const encodings[] = {NULL, "ascii", "bcd", "binary", "utf-8"};
static const char *const justifications[] = {NULL, "left", "right", "middle"};
static const char *const completions[] = {"key", "max-length", "timeout", "never"};

static const char *
pick_word(ScdFuzzInput *input, const char *const *words, gsize count)
{
    return words[scd_fuzz_pick(input, (guint)count)];
}

/* Small numbers are more likely to be valid. */
static guint32
take_number(ScdFuzzInput *input)
{
    guint8 kind = scd_fuzz_take_byte(input);

    return kind < 0xF0 ? kind : scd_fuzz_take_u32(input);
}

static void
take_numbers(ScdFuzzInput *input, ScdPinFormat *format)
{
    guint32 *const numbers[] = {
        &format->min_length,      &format->max_length,      &format->block_length,
        &format->pin_bit_offset,  &format->length_bit_size, &format->length_bit_offset,
        &format->entry_timeout_s, &format->key_timeout_s,   &format->language,
        &format->current_offset,  &format->new_offset,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (scd_fuzz_pick(input, 2) != 0)
            *numbers[i] = take_number(input);
    }
}

static void
check_structure(ScdPinOperation operation, GBytes *bytes, const guint8 *template, gsize length,
                const ScdPinFormat *format)
{
    gsize size;
    const guint8 *structure = g_bytes_get_data(bytes, &size);
    gsize header = operation == SCD_PIN_VERIFY ? 19 : 24;
    ScdPinEntry entry = scd_pin_entry_of(operation, structure);

    g_assert_cmpmem(structure + header, size - header, template, length);
    g_assert_cmpuint(structure[header - 4] | structure[header - 3] << 8, ==, length);
    g_assert_cmpuint(entry.max_length, ==, format->max_length);
    g_assert_cmpuint(entry.n_entries, >=, 1);
    g_assert_cmpuint(entry.n_entries, <=, operation == SCD_PIN_VERIFY ? 1 : 3);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    ScdPinOperation operation = scd_fuzz_pick(&input, 2) == 0 ? SCD_PIN_VERIFY : SCD_PIN_MODIFY;
    const char *completion[G_N_ELEMENTS(completions) + 1] = {NULL};
    guint32 messages[MESSAGES];
    g_autoptr(GError) error = NULL;
    ScdPinFormat format;

    scd_pin_format_init(&format);
    format.charset = pick_word(&input, charsets, G_N_ELEMENTS(charsets));
    format.encoding = pick_word(&input, encodings, G_N_ELEMENTS(encodings));
    format.justification = pick_word(&input, justifications, G_N_ELEMENTS(justifications));
    format.completion = scd_fuzz_pick(&input, 2) != 0 ? completion : NULL;
    guint n_completion = scd_fuzz_pick(&input, G_N_ELEMENTS(completion));
    for (guint i = 0; i < n_completion; i++)
        completion[i] = pick_word(&input, completions, G_N_ELEMENTS(completions));
    format.n_messages = scd_fuzz_pick(&input, MESSAGES + 1);
    format.has_messages = format.n_messages > 0;
    format.messages = messages;
    for (gsize i = 0; i < format.n_messages; i++)
        messages[i] = take_number(&input);
    format.ask_current = scd_fuzz_pick(&input, 2) == 0;
    format.confirm_new = scd_fuzz_pick(&input, 2) == 0;
    format.has_new_offset = scd_fuzz_pick(&input, 2) != 0;
    take_numbers(&input, &format);

    g_autoptr(GBytes) bytes =
        scd_pin_format_build(&format, operation, input.data, input.size, &error);
    scd_fuzz_assert_result(bytes != NULL, error);
    if (bytes != NULL)
        check_structure(operation, bytes, input.data, input.size, &format);
    else
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
    return 0;
}
