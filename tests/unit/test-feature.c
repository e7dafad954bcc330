/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/feature.h"

#include "base/bytes.h"

/*
 * Copies a list into memory of the exact length, so that a sanitizer detects a read past the end.
 */
static guint8 *
copy_bytes(const char *hex, gsize *length)
{
    guint8 *bytes = scd_hex_to_bytes(hex, length, NULL);

    g_assert_nonnull(bytes);
    return bytes;
}

static void
test_words(void)
{
    static const struct {
        const char *list;
        const char *words;
    } cases[] = {
        {"", ""},
        /* libccid, without and with a PIN pad */
        {"12 04 42330012", "get-tlv-properties"},
        {"06 04 42330006 07 04 42330007 0A 04 4233000A 12 04 42330012 13 04 42000001",
         "verify-pin-direct modify-pin-direct ifd-pin-properties get-tlv-properties "
         "ccid-esc-command"},
        /* in any order, twice, unknown */
        {"12 04 42330012 06 04 42330006 06 04 42330006 77 04 42330077 00 04 42330000",
         "verify-pin-direct get-tlv-properties"},
        /* of wrong lengths, with the code 0, truncated */
        {"06 00 07 03 423300 08 05 4233000800 12 04 42330012", "get-tlv-properties"},
        {"06 04 00000000 12 04 42330012", "get-tlv-properties"},
        {"12 04 42330012 06 04 423300", "get-tlv-properties"},
        {"12 04 42330012 06 04", "get-tlv-properties"},
        {"12 04 42330012 06", "get-tlv-properties"},
        {"FF FF 12 04 42330012", ""},
        /* all */
        {"01 04 00000001 02 04 00000001 03 04 00000001 04 04 00000001 05 04 00000001"
         "06 04 00000001 07 04 00000001 08 04 00000001 09 04 00000001 0A 04 00000001"
         "0B 04 00000001 0C 04 00000001 0D 04 00000001 0E 04 00000001 0F 04 00000001"
         "10 04 00000001 11 04 00000001 12 04 00000001 13 04 00000001 20 04 00000001",
         "verify-pin-start verify-pin-finish modify-pin-start modify-pin-finish get-key-pressed "
         "verify-pin-direct modify-pin-direct mct-reader-direct mct-universal ifd-pin-properties "
         "abort set-spe-message verify-pin-direct-app-id modify-pin-direct-app-id write-display "
         "get-key ifd-display-properties get-tlv-properties ccid-esc-command execute-pace"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize length;
        g_autofree guint8 *list = copy_bytes(cases[i].list, &length);
        g_auto(GStrv) words = scd_features_dup_words(list, length);
        g_autofree char *joined = g_strjoinv(" ", words);

        g_assert_cmpstr(joined, ==, cases[i].words);
    }
}

static void
test_codes(void)
{
    gsize length;
    g_autofree guint8 *list =
        copy_bytes("12 03 423300 12 04 F1233412 12 04 42330012 06 04 00000001", &length);

    g_assert_cmphex(scd_features_find_code(list, length, SCD_FEATURE_GET_TLV_PROPERTIES), ==,
                    0xF1233412);
    g_assert_cmphex(scd_features_find_code(list, length, 0x06), ==, 1);
    g_assert_cmphex(scd_features_find_code(list, length, 0x07), ==, 0);
    g_assert_cmphex(scd_features_find_code(NULL, 0, 0x06), ==, 0);
}

/* A control code, with different lists of features. */
static const struct {
    guint32 code;
    const char *list;
    gboolean is_command;
    guint8 pin_feature; /* whose code it is for PIN entry; 0 for none */
} driver_commands[] = {
    {0x42000D48, "", FALSE, 0},
    {0x42330006, "", TRUE, 0},
    {0, "", TRUE, 0},
    {0, "06 04 00000000", TRUE, 0},
    /* libccid, cyberJack, and others: the numbers do not matter */
    {0x42330006, "06 04 42330006 07 04 42330007", FALSE, 0x06},
    {0x42330007, "06 04 42330006", TRUE, 0},
    {0x42000DB2, "06 04 42000DB2 07 04 42000DB3 20 04 42000DCC", FALSE, 0x06},
    {0x42000DCC, "06 04 42000DB2 07 04 42000DB3 20 04 42000DCC", FALSE, 0x20},
    {0x42330006, "06 04 42000DB2 07 04 42000DB3 20 04 42000DCC", TRUE, 0},
    {0xFFFFFFFF, "01 04 FFFFFFFF", FALSE, 0x01},
    {1, "12 04 00000001", FALSE, 0x12},
    /* other features */
    {0x42330008, "08 04 42330008", TRUE, 0},
    {0x4233000F, "0F 04 4233000F 10 04 42330010", TRUE, 0},
    {0x42330013, "06 04 42330006 13 04 42330013", TRUE, 0},
    {0x42330077, "77 04 42330077", TRUE, 0},
    {0x42330000, "00 04 42330000", TRUE, 0},
    /* well-known commands, in the place of a PIN pad */
    {0x42000001, "06 04 42000001", TRUE, 0},
    {0x42000DAC, "06 04 42000DAC", TRUE, 0},
    {0x42000E11, "07 04 42000E11", TRUE, 0},
    {0x42000D48, "13 04 42000D48", FALSE, 0},
    {0x42000D48, "06 04 42000D48", FALSE, 0},
    /* one code for several features, in any order */
    {0x42330006, "06 04 42330006 13 04 42330006", TRUE, 0},
    {0x42330006, "13 04 42330006 06 04 42330006", TRUE, 0},
    {0x42330006, "06 04 42330006 06 04 42330006 77 04 42330006", TRUE, 0},
    {0x42330006, "06 04 42330006 07 04 42330006", FALSE, 0},
    {0x42330006, "06 04 42330006 06 04 42330006", FALSE, 0x06},
    {0x42330007, "06 04 42330006 06 04 42330007", FALSE, 0},
    /* of wrong lengths, truncated */
    {0x42330006, "06 03 423300", TRUE, 0},
    {0x42330006, "06 05 4233000600", TRUE, 0},
    {0x42330006, "06 04 423300", TRUE, 0},
    {0x42330006, "06 04 42330006 13 04 423300", FALSE, 0x06},
};

static void
test_driver_commands(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(driver_commands); i++) {
        gsize length;
        g_autofree guint8 *list = copy_bytes(driver_commands[i].list, &length);

        g_assert_cmpint(scd_control_code_is_driver_command(driver_commands[i].code, list, length),
                        ==, driver_commands[i].is_command);
        for (guint tag = 1; tag < 256; tag++) {
            guint32 code = scd_features_find_pin_code(list, length, (guint8)tag);
            if (tag == driver_commands[i].pin_feature)
                g_assert_cmphex(code, ==, driver_commands[i].code);
            else
                g_assert_true(code == 0 || code != driver_commands[i].code);
        }
    }
}

static void
test_properties(void)
{
    static const struct {
        const char *records;
        guint16 vendor_id;
        guint16 product_id;
        const char *firmware;
    } cases[] = {
        {"", 0, 0, ""},
        /* libccid's own order */
        {"01 02 0000 06 01 00 07 01 00 09 01 00 0B 02 E608 0C 02 3734 0A 04 00000100", 0x08E6,
         0x3437, ""},
        {"08 0C 47656D50432D312E3030200A 0B 02 E608", 0x08E6, 0, "GemPC-1.00"},
        {"08 03 411B42", 0, 0,
         "A\xEF\xBF\xBD"
         "B"},
        {"08 00 08 01 41", 0, 0, ""},
        /* twice, of wrong lengths, truncated */
        {"0B 02 0100 0B 02 0200", 1, 0, ""},
        {"0B 04 01000000 0C 01 02 0B 02 0300", 3, 0, ""},
        {"0C 02 0400 0B 02 01", 0, 4, ""},
        {"0C 02 0400 0B 02", 0, 4, ""},
        {"0C 02 0400 0B", 0, 4, ""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize length;
        g_autofree guint8 *records = copy_bytes(cases[i].records, &length);
        g_autoptr(ScdTlvProperties) properties = scd_tlv_properties_parse(records, length);

        g_assert_cmphex(properties->vendor_id, ==, cases[i].vendor_id);
        g_assert_cmphex(properties->product_id, ==, cases[i].product_id);
        g_assert_cmpstr(properties->firmware, ==, cases[i].firmware);
    }
}

/* The results are not checked; the sanitizers check the memory accesses. */
static void
test_any_bytes(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(10);

    for (guint round = 0; round < 20000; round++) {
        gsize length = (gsize)g_rand_int_range(rand, 0, 40);
        g_autofree guint8 *bytes = g_malloc(length);
        for (gsize i = 0; i < length; i++)
            bytes[i] = (guint8)g_rand_int_range(rand, 0, g_rand_boolean(rand) ? 0x15 : 256);
        g_auto(GStrv) words = scd_features_dup_words(bytes, length);
        g_autoptr(ScdTlvProperties) properties = scd_tlv_properties_parse(bytes, length);

        g_assert_nonnull(words);
        g_assert_true(g_utf8_validate(properties->firmware, -1, NULL));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feature/words", test_words);
    g_test_add_func("/feature/codes", test_codes);
    g_test_add_func("/feature/driver-commands", test_driver_commands);
    g_test_add_func("/feature/properties", test_properties);
    g_test_add_func("/feature/any-bytes", test_any_bytes);
    return g_test_run();
}
