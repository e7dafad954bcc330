/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/bytes.h"

#include <string.h>

#include "base/error.h"

static void
test_from_bytes(void)
{
    const guint8 bytes[] = {0x00, 0xA4, 0x04, 0x0F, 0xF0};
    g_autofree char *hex = scd_hex_from_bytes(bytes, sizeof bytes);
    g_autofree char *nothing = scd_hex_from_bytes(NULL, 0);

    g_assert_cmpstr(hex, ==, "00A4040FF0");
    g_assert_cmpstr(nothing, ==, "");
}

static void
test_to_bytes(void)
{
    const guint8 expected[] = {0x00, 0xA4, 0x04, 0xFF};
    const char *const texts[] = {"00A404FF", "00a404fF", "00 A4 04 FF", "00:A4:04:FF",
                                 " 00A4 :: 04FF: "};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        gsize length = 99;
        g_autofree guint8 *bytes = scd_hex_to_bytes(texts[i], &length, &error);

        g_assert_no_error(error);
        g_assert_cmpmem(bytes, length, expected, sizeof expected);
    }
}

static void
test_to_no_bytes(void)
{
    const char *const texts[] = {"", " ", " : :"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        gsize length = 99;
        g_autofree guint8 *bytes = scd_hex_to_bytes(texts[i], &length, &error);

        g_assert_no_error(error);
        g_assert_nonnull(bytes);
        g_assert_cmpuint(length, ==, 0);
    }
}

static const struct {
    const char *hex;
    const char *message;
} refusals[] = {
    {"g", "no hexadecimal digit at position 1"},
    {"00A4 0x", "no hexadecimal digit at position 7"},
    {"00 A", "the byte at position 4 has one hexadecimal digit, not two"},
    {"0 0 A4", "the byte at position 1 has one hexadecimal digit, not two"},
    {"00:A:4", "the byte at position 4 has one hexadecimal digit, not two"},
    {"00-A4", "no hexadecimal digit at position 3"},
    {"00\tA4", "no hexadecimal digit at position 3"},
    {"00A4\n", "no hexadecimal digit at position 5"},
    {"00\xC3\xA4", "no hexadecimal digit at position 3"},
};

static void
test_refusals(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(GError) error = NULL;
        gsize length = 99;
        /* A copy of the exact length, so that a sanitizer detects a read past the end. */
        g_autofree char *hex = g_strdup(refusals[i].hex);
        g_autofree guint8 *bytes = scd_hex_to_bytes(hex, &length, &error);

        g_assert_null(bytes);
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
        g_assert_cmpstr(error->message, ==, refusals[i].message);
        g_assert_cmpuint(length, ==, 99);
    }
}

/* Two texts with different content and the same error have the same message. */
static void
test_errors_keep_secrets(void)
{
    const char *const texts[] = {"0020000104 31323334 5", "0020000104 39383736 5"};
    g_autofree char *first_message = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        gsize length;

        g_assert_null(scd_hex_to_bytes(texts[i], &length, &error));
        if (first_message == NULL)
            first_message = g_strdup(error->message);
        g_assert_cmpstr(error->message, ==, first_message);
    }
}

static void
test_round_trips(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7816);

    for (guint round = 0; round < 2000; round++) {
        guint8 bytes[300];
        gsize length = (gsize)g_rand_int_range(rand, 0, sizeof bytes + 1);
        for (gsize i = 0; i < length; i++)
            bytes[i] = (guint8)g_rand_int(rand);

        g_autofree char *hex = scd_hex_from_bytes(bytes, length);
        gsize length_back = 0;
        g_autofree guint8 *back = scd_hex_to_bytes(hex, &length_back, NULL);

        g_assert_cmpuint(strlen(hex), ==, 2 * length);
        g_assert_nonnull(back);
        g_assert_cmpmem(back, length_back, bytes, length);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hex/from-bytes", test_from_bytes);
    g_test_add_func("/hex/to-bytes", test_to_bytes);
    g_test_add_func("/hex/to-no-bytes", test_to_no_bytes);
    g_test_add_func("/hex/refusals", test_refusals);
    g_test_add_func("/hex/errors-keep-secrets", test_errors_keep_secrets);
    g_test_add_func("/hex/round-trips", test_round_trips);
    return g_test_run();
}
