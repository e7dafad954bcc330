/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The structures of PC/SC part 10. tests/bus/test_pin_entry.py has the ranges of all values, and
 * what readers make of them.
 */

#include "base/pin-format.h"

#include "base/bytes.h"
#include "base/error.h"

#define VERIFY "0020008008FFFFFFFFFFFFFFFF"
#define MODIFY "0024008010FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"

static GBytes *
build(const ScdPinFormat *format, ScdPinOperation operation, const char *hex, GError **error)
{
    gsize length;
    g_autofree guint8 *template = scd_hex_to_bytes(hex, &length, NULL);

    g_assert_nonnull(template);
    return scd_pin_format_build(format, operation, template, length, error);
}

static void
assert_built(const ScdPinFormat *format, ScdPinOperation operation, const char *template,
             const char *expected)
{
    gsize length, expected_length;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = build(format, operation, template, &error);
    g_autofree guint8 *expected_bytes = scd_hex_to_bytes(expected, &expected_length, NULL);

    g_assert_no_error(error);
    const guint8 *data = g_bytes_get_data(bytes, &length);
    g_assert_cmpmem(data, length, expected_bytes, expected_length);
}

static void
assert_refused(const ScdPinFormat *format, ScdPinOperation operation, const char *template)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(build(format, operation, template, &error));
    g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
}

static void
test_defaults(void)
{
    ScdPinFormat format;

    scd_pin_format_init(&format);
    assert_built(&format, SCD_PIN_VERIFY, VERIFY,
                 "00 00 82 08 00 0804 02 FF 0904 00 000000 0D000000" VERIFY);
    assert_built(&format, SCD_PIN_MODIFY, MODIFY,
                 "00 00 82 08 00 00 08 0804 03 02 FF 0904 00 01 02 000000 15000000" MODIFY);
}

/* No byte is that of another field. */
static void
test_all_fields(void)
{
    static const char *completion[] = {"timeout", "max-length", NULL};
    static const guint32 messages[] = {0xA1, 0xA2, 0xA3};
    ScdPinFormat format = {
        .encoding = "bcd",
        .justification = "right",
        .completion = completion,
        .min_length = 3,
        .max_length = 11,
        .block_length = 6,
        .pin_bit_offset = 8,
        .length_bit_size = 5,
        .length_bit_offset = 3,
        .entry_timeout_s = 0x21,
        .key_timeout_s = 0x22,
        .language = 0x0C07,
        .has_messages = TRUE,
        .messages = messages,
        .n_messages = 1,
        .ask_current = TRUE,
        .current_offset = 1,
        .has_new_offset = TRUE,
        .new_offset = 9,
    };

    assert_built(&format, SCD_PIN_VERIFY, VERIFY,
                 "21 22 8D 56 03 0B03 05 01 070C A1 000000 0D000000" VERIFY);
    format.n_messages = 3;
    assert_built(&format, SCD_PIN_MODIFY, MODIFY,
                 "21 22 8D 56 03 01 09 0B03 02 05 03 070C A1 A2 A3 000000 15000000" MODIFY);
    assert_refused(&format, SCD_PIN_VERIFY, VERIFY);
}

static void
test_template(void)
{
    g_autoptr(GString) longest = g_string_new("00200080FF");
    ScdPinFormat format;

    scd_pin_format_init(&format);
    format.block_length = 0;
    assert_refused(&format, SCD_PIN_VERIFY, "00200080");
    assert_built(&format, SCD_PIN_VERIFY, "0020008000",
                 "00 00 82 00 00 0804 02 FF 0904 00 000000 05000000 0020008000");
    for (guint i = 5; i < SCD_PIN_TEMPLATE_MAX; i++)
        g_string_append(longest, "FF");
    g_autofree char *expected =
        g_strconcat("00 00 82 00 00 0804 02 FF 0904 00 000000 05010000 ", longest->str, NULL);
    assert_built(&format, SCD_PIN_VERIFY, longest->str, expected);
    g_string_append(longest, "FF");
    assert_refused(&format, SCD_PIN_VERIFY, longest->str);
}

/* The last bit of the block, and of the length, is the last one of the data. */
static void
test_places(void)
{
    ScdPinFormat format;

    scd_pin_format_init(&format);
    format.block_length = 7;
    format.max_length = 7;
    format.pin_bit_offset = 8;
    format.length_bit_size = 8;
    format.length_bit_offset = 56;
    assert_built(&format, SCD_PIN_VERIFY, VERIFY,
                 "00 00 8A 87 17 0704 02 FF 0904 00 000000 0D000000" VERIFY);
    format.pin_bit_offset = 9;
    assert_refused(&format, SCD_PIN_VERIFY, VERIFY);
    format.pin_bit_offset = 0;
    format.length_bit_size = 9;
    assert_refused(&format, SCD_PIN_VERIFY, VERIFY);
}

static void
test_entry(void)
{
    static const char *completion[] = {"key", "max-length", NULL};
    ScdPinFormat format;

    scd_pin_format_init(&format);
    format.max_length = 6;
    for (guint bits = 0; bits < 4; bits++) {
        format.ask_current = (bits & 1) != 0;
        format.confirm_new = (bits & 2) != 0;
        g_autoptr(GBytes) bytes = build(&format, SCD_PIN_MODIFY, MODIFY, NULL);
        ScdPinEntry entry = scd_pin_entry_of(SCD_PIN_MODIFY, g_bytes_get_data(bytes, NULL));

        g_assert_cmpuint(entry.n_entries, ==, 1 + (bits & 1) + (bits >> 1));
        g_assert_cmpuint(entry.max_length, ==, 6);
        g_assert_false(entry.ends_with_max);
    }
    format.completion = completion;
    g_autoptr(GBytes) bytes = build(&format, SCD_PIN_VERIFY, VERIFY, NULL);
    ScdPinEntry entry = scd_pin_entry_of(SCD_PIN_VERIFY, g_bytes_get_data(bytes, NULL));
    g_assert_cmpuint(entry.n_entries, ==, 1);
    g_assert_cmpuint(entry.max_length, ==, 6);
    g_assert_true(entry.ends_with_max);
}

/* Any numbers: either the structure has the right length, or the format is refused. */
static void
test_any_numbers(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(10);

    for (guint round = 0; round < 20000; round++) {
        ScdPinOperation operation = g_rand_boolean(rand) ? SCD_PIN_VERIFY : SCD_PIN_MODIFY;
        g_autoptr(GError) error = NULL;
        ScdPinFormat format;

        scd_pin_format_init(&format);
        guint32 *numbers[] = {
            &format.min_length,      &format.max_length,      &format.block_length,
            &format.pin_bit_offset,  &format.length_bit_size, &format.length_bit_offset,
            &format.entry_timeout_s, &format.key_timeout_s,   &format.language,
            &format.current_offset,  &format.new_offset};
        format.has_new_offset = g_rand_boolean(rand);
        for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
            if (g_rand_int_range(rand, 0, 3) == 0)
                *numbers[i] = g_rand_boolean(rand) ? (guint32)g_rand_int_range(rand, 0, 20)
                                                   : g_rand_int(rand);
        g_autoptr(GBytes) bytes = build(&format, operation, MODIFY, &error);
        if (bytes)
            g_assert_cmpuint(g_bytes_get_size(bytes), ==,
                             (operation == SCD_PIN_VERIFY ? 19 : 24) + 21);
        else
            g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pin-format/defaults", test_defaults);
    g_test_add_func("/pin-format/all-fields", test_all_fields);
    g_test_add_func("/pin-format/template", test_template);
    g_test_add_func("/pin-format/places", test_places);
    g_test_add_func("/pin-format/entry", test_entry);
    g_test_add_func("/pin-format/any-numbers", test_any_numbers);
    return g_test_run();
}
