/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/atr.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

/* Parses a copy of the exact length, so that a sanitizer detects a read past the end. */
static gboolean
parse_copy(const guint8 *bytes, gsize length, ScdAtr *atr, GError **error)
{
    g_autofree guint8 *copy = g_memdup2(bytes, length);

    return scd_atr_parse(copy, length, atr, error);
}

static gboolean
parse_hex(const char *hex, ScdAtr *atr, GError **error)
{
    gsize length = 0;
    g_autofree guint8 *bytes = scd_hex_to_bytes(hex, &length, NULL);

    g_assert_nonnull(bytes);
    return parse_copy(bytes, length, atr, error);
}

typedef struct {
    const char *hex;
    const char *protocols; /* the protocols for a connection */
    const char *historical_bytes;
    ScdAtrCheck check;
    guint n_extra;
    gboolean contactless;
} AtrExample;

static const AtrExample examples[] = {
    /* T=0 by default: no interface bytes; then with TB1 and TC1 */
    {"3B 02 14 50", "T=0", "1450", SCD_ATR_CHECK_ABSENT, 0, FALSE},
    {"3B 65 00 00 9C 11 01 01 03", "T=0", "9C11010103", SCD_ATR_CHECK_ABSENT, 0, FALSE},
    /* T=1 alone */
    {"3B F8 13 00 00 81 31 FE 45 4A 43 4F 50 76 32 34 31 B7", "T=1", "4A434F5076323431",
     SCD_ATR_CHECK_OK, 0, FALSE},
    /* T=1, T=15 */
    {"3B DA 18 FF 81 B1 FE 75 1F 03 00 31 C5 73 C0 01 40 00 90 00 0C", "T=1",
     "0031C573C00140009000", SCD_ATR_CHECK_OK, 0, FALSE},
    /* T=0, T=15: a check byte, though T=0 is the only protocol */
    {"3B 9F 96 80 1F C7 80 31 A0 73 BE 21 13 67 43 20 07 18 00 00 01 A5", "T=0",
     "8031A073BE21136743200718000001", SCD_ATR_CHECK_OK, 0, FALSE},
    /* T=15 alone, which the standard forbids: no protocol is named */
    {"3B 81 1F 00 CC 52", "T=0", "CC", SCD_ATR_CHECK_OK, 0, FALSE},
    /* T=0 and T=1, then with a TA2 that names T=1, then T=0 implicitly, then T=14 */
    {"3B 80 80 31 FE 45 8A", "T=0 T=1", "", SCD_ATR_CHECK_OK, 0, FALSE},
    {"3B 80 90 81 31 FE 45 1B", "T=1", "", SCD_ATR_CHECK_OK, 0, FALSE},
    {"3B 80 90 10 31 FE 45 8A", "T=0", "", SCD_ATR_CHECK_OK, 0, FALSE},
    {"3B 80 90 8E 31 FE 45 14", "T=0 T=1", "", SCD_ATR_CHECK_OK, 0, FALSE},
    /*
     * in the order of the card, although the standard requires ascending order; each protocol once
     */
    {"3B 80 81 80 81 01 01", "T=1 T=0", "", SCD_ATR_CHECK_OK, 0, FALSE},
    {"3B 9F 21 0E 49 52 44 45 54 4F 20 41 43 53 20 56 35 2E 30 9D", "T=14",
     "49524445544F204143532056352E30", SCD_ATR_CHECK_OK, 0, FALSE},
    /* inverse convention: T=0 by default, then T=1 in specific mode */
    {"3F 65 25 08 23 04 68 90 00", "T=0", "2304689000", SCD_ATR_CHECK_ABSENT, 0, FALSE},
    {"3F FF 95 00 FF 91 81 71 FF 47 00 54 49 47 45 52 30 30 33 20 52 65 76 32 35 30 64", "T=1",
     "544947455230303320526576323530", SCD_ATR_CHECK_OK, 0, FALSE},
    /* contactless: storage card, ISO/IEC 14443-4, no historical bytes, wrong and missing TCK */
    {"3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A", "T=0 T=1",
     "804F0CA00000030603000100000000", SCD_ATR_CHECK_OK, 0, TRUE},
    {"3B 81 80 01 80 80", "T=0 T=1", "80", SCD_ATR_CHECK_OK, 0, TRUE},
    {"3B 80 80 01 01", "T=0 T=1", "", SCD_ATR_CHECK_OK, 0, TRUE},
    {"3B 86 80 01 06 75 77 81 02 8F 00", "T=0 T=1", "06757781028F", SCD_ATR_CHECK_WRONG, 0, TRUE},
    {"3B 8C 80 01 50 27 52 31 81 00 00 00 00 00 71 81", "T=0 T=1", "502752318100000000007181",
     SCD_ATR_CHECK_MISSING, 0, TRUE},
    /* the same bytes at another place or inverted are not of that form */
    {"3F 81 80 01 80 80", "T=0 T=1", "80", SCD_ATR_CHECK_OK, 0, FALSE},
    {"3B 02 80 01", "T=0", "8001", SCD_ATR_CHECK_ABSENT, 0, FALSE},
    {"3B 81 81 01 80 81", "T=1", "80", SCD_ATR_CHECK_OK, 0, FALSE},
    {"3B 81 80 11 96 80 06", "T=0 T=1", "80", SCD_ATR_CHECK_OK, 0, FALSE},
    /* extra bytes: TCK is not required, TCK is required */
    {"3B 02 14 50 11", "T=0", "1450", SCD_ATR_CHECK_ABSENT, 1, FALSE},
    {"3B 84 80 01 01 11 20 03 36 90 00", "T=0 T=1", "01112003", SCD_ATR_CHECK_OK, 2, TRUE},
};

static void
check_example(const AtrExample *example)
{
    ScdAtr atr;
    g_autoptr(GError) error = NULL;

    g_test_message("%s", example->hex);
    g_assert_true(parse_hex(example->hex, &atr, &error));
    g_assert_no_error(error);
    g_assert_true(atr.valid);

    g_auto(GStrv) protocols = scd_atr_dup_protocols(&atr);
    g_autofree char *joined = g_strjoinv(" ", protocols);
    g_autofree char *historical_bytes =
        scd_hex_from_bytes(atr.bytes + atr.historical_offset, atr.n_historical);
    g_assert_cmpstr(joined, ==, example->protocols);
    g_assert_cmpstr(historical_bytes, ==, example->historical_bytes);
    g_assert_cmpint(atr.convention == SCD_ATR_CONVENTION_INVERSE, ==,
                    g_str_has_prefix(example->hex, "3F"));
    g_assert_cmpint(atr.check, ==, example->check);
    g_assert_cmpuint(atr.n_extra, ==, example->n_extra);
    g_assert_cmpint(scd_atr_is_contactless(&atr), ==, example->contactless);
}

static void
test_examples(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(examples); i++)
        check_example(&examples[i]);
}

static void
test_interface_bytes(void)
{
    ScdAtr atr;
    const ScdAtrLevel *levels = atr.levels;

    g_assert_true(parse_hex("3B F0 13 00 FF 91 81 71 FF 47 00 C5", &atr, NULL));
    g_assert_cmpuint(atr.n_levels, ==, 3);
    g_assert_cmphex(levels[0].present, ==, 0xF);
    g_assert_cmpmem(levels[0].value, 4, "\x13\x00\xFF\x91", 4);
    g_assert_cmphex(levels[1].present, ==, 1 << SCD_ATR_TA | 1 << SCD_ATR_TD);
    g_assert_cmphex(levels[1].value[SCD_ATR_TA], ==, 0x81);
    g_assert_cmphex(levels[1].value[SCD_ATR_TD], ==, 0x71);
    g_assert_cmphex(levels[2].present, ==, 1 << SCD_ATR_TA | 1 << SCD_ATR_TB | 1 << SCD_ATR_TC);
    g_assert_cmpmem(levels[2].value, 3, "\xFF\x47\x00", 3);
    g_assert_true(atr.specific_mode);
    g_assert_cmpuint(atr.specific_protocol, ==, 1);
    g_assert_cmpint(atr.check, ==, SCD_ATR_CHECK_OK);
}

/* The maximum number of levels: 31 TDs and nothing else. */
static void
test_most_levels(void)
{
    guint8 bytes[SCD_ATR_MAX_LENGTH];
    ScdAtr atr;
    g_autoptr(GError) error = NULL;

    memset(bytes, 0x80, sizeof bytes);
    bytes[0] = 0x3B;
    bytes[sizeof bytes - 1] = 0x00;
    g_assert_true(parse_copy(bytes, sizeof bytes, &atr, NULL));
    g_assert_cmpuint(atr.n_levels, ==, 31);
    g_assert_cmpint(atr.check, ==, SCD_ATR_CHECK_ABSENT);

    bytes[sizeof bytes - 1] = 0x80;
    g_assert_false(parse_copy(bytes, sizeof bytes, &atr, &error));
    g_assert_cmpstr(error->message, ==, "interface bytes end after 31 bytes, before TD32");
}

static const struct {
    const char *hex;
    const char *message;
} refusals[] = {
    {"", "no bytes at all"},
    {"3B", "T0 is missing"},
    {"00 02 14 50", "TS is 00, neither 3B (direct) nor 3F (inverse)"},
    {"3B F0", "interface bytes end after 0 bytes, before TA1"},
    {"3B F0 11 22", "interface bytes end after 2 bytes, before TC1"},
    {"3B 80 80 31 FE", "interface bytes end after 3 bytes, before TB3"},
    {"3B 09 01 02 03", "historical bytes end after 3 of 9 bytes"},
    {"3B 81 80 01", "historical bytes end after 0 of 1 bytes"},
    {"3B 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
     "00 00 00",
     "34 bytes, but an ATR has at most 33"},
};

/* All but the raw bytes must be zero. */
static void
assert_only_raw(const ScdAtr *atr, const guint8 *bytes, gsize length)
{
    ScdAtr raw = {.length = (guint8)MIN(length, SCD_ATR_MAX_LENGTH)};
    g_auto(GStrv) protocols = scd_atr_dup_protocols(atr);

    memcpy(raw.bytes, bytes, raw.length);
    g_assert_cmpmem(atr->bytes, sizeof atr->bytes, raw.bytes, sizeof raw.bytes);
    g_assert_cmpuint(atr->length, ==, raw.length);
    g_assert_false(atr->valid);
    g_assert_cmpuint(atr->n_levels + atr->n_protocols + atr->n_historical + atr->n_extra, ==, 0);
    g_assert_cmpuint(g_strv_length(protocols), ==, 0);
    g_assert_false(scd_atr_is_contactless(atr));
}

static void
test_refusals(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(GError) error = NULL;
        gsize length = 0;
        g_autofree guint8 *bytes = scd_hex_to_bytes(refusals[i].hex, &length, NULL);
        ScdAtr atr;

        g_assert_false(parse_copy(bytes, length, &atr, &error));
        g_assert_error(error, SCD_ERROR, SCD_E_INVALID_ATR);
        g_assert_cmpstr(error->message, ==, refusals[i].message);
        assert_only_raw(&atr, bytes, length);
    }
}

/* The ATR is valid from its last historical byte on, and not valid at any shorter length. */
static void
test_truncation(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(examples); i++) {
        ScdAtr whole;
        g_assert_true(parse_hex(examples[i].hex, &whole, NULL));
        gsize end = (gsize)whole.historical_offset + whole.n_historical;

        for (gsize length = 0; length <= whole.length; length++) {
            ScdAtr atr;
            gboolean valid = parse_copy(whole.bytes, length, &atr, NULL);

            g_assert_cmpint(valid, ==, length >= end);
            if (!valid)
                assert_only_raw(&atr, whole.bytes, length);
        }
    }
}

static GVariant *
new_bytes(const char *hex)
{
    gsize length = 0;
    g_autofree guint8 *bytes = hex ? scd_hex_to_bytes(hex, &length, NULL) : NULL;

    if (!hex)
        return NULL;
    return g_variant_ref_sink(g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1));
}

static gboolean
set_filter(ScdAtrFilter *filter, const char *atr, const char *mask, GError **error)
{
    g_autoptr(GVariant) atr_bytes = new_bytes(atr);
    g_autoptr(GVariant) mask_bytes = new_bytes(mask);

    return scd_atr_filter_set(filter, atr_bytes, mask_bytes, error);
}

static gboolean
passes_filter(const ScdAtrFilter *filter, const char *atr)
{
    g_autoptr(GVariant) bytes = new_bytes(atr);
    gsize length;
    const guint8 *data = g_variant_get_fixed_array(bytes, &length, 1);

    return scd_atr_filter_passes(filter, data, length);
}

static void
test_any(void)
{
    ScdAtrFilter filter = {0};

    g_assert_true(set_filter(&filter, NULL, NULL, NULL));
    g_assert_true(passes_filter(&filter, ""));
    g_assert_true(passes_filter(&filter, "3B021450"));
}

static void
test_all_bits(void)
{
    ScdAtrFilter filter = {0};

    g_assert_true(set_filter(&filter, "3B021450", NULL, NULL));
    g_assert_true(passes_filter(&filter, "3B021450"));
    g_assert_false(passes_filter(&filter, "3B021451"));
    g_assert_false(passes_filter(&filter, "3B0214"));
    g_assert_false(passes_filter(&filter, "3B02145000"));
    g_assert_false(passes_filter(&filter, ""));
}

static void
test_mask(void)
{
    ScdAtrFilter filter = {0};

    /* Bits that are not in the mask are ignored in the requested ATR as well. */
    g_assert_true(set_filter(&filter, "3B02FF5F", "FFFF00F0", NULL));
    g_assert_true(passes_filter(&filter, "3B021450"));
    g_assert_true(passes_filter(&filter, "3B020051"));
    g_assert_false(passes_filter(&filter, "3B021460"));
    g_assert_false(passes_filter(&filter, "3F021450"));
    g_assert_false(passes_filter(&filter, "3B0214"));
    g_assert_false(passes_filter(&filter, "3B02145000"));
}

static void
test_lengths(void)
{
    char longest[2 * SCD_ATR_MAX_LENGTH + 1] = {0};
    ScdAtrFilter filter = {0};

    memset(longest, 'A', sizeof longest - 1);
    g_assert_true(set_filter(&filter, longest, longest, NULL));
    g_assert_true(passes_filter(&filter, longest));
    g_assert_true(set_filter(&filter, "3B", "FF", NULL));
    g_assert_true(passes_filter(&filter, "3B"));
}

static void
test_refused(void)
{
    static const struct {
        const char *atr;
        const char *mask;
    } cases[] = {
        {"", NULL},
        {"", ""},
        {NULL, "FF"},
        {NULL, ""},
        {"3B02", "FF"},
        {"3B02", "FFFFFF"},
        {"3B02", ""},
        /* 34 bytes */
        {"3B000000000000000000000000000000000000000000000000000000000000000000", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ScdAtrFilter filter = {0};
        g_autoptr(GError) error = NULL;

        g_assert_false(set_filter(&filter, cases[i].atr, cases[i].mask, &error));
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
        g_assert_cmpuint(filter.length, ==, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/atr/examples", test_examples);
    g_test_add_func("/atr/interface-bytes", test_interface_bytes);
    g_test_add_func("/atr/most-levels", test_most_levels);
    g_test_add_func("/atr/refusals", test_refusals);
    g_test_add_func("/atr/truncation", test_truncation);
    g_test_add_func("/atr-filter/any", test_any);
    g_test_add_func("/atr-filter/all-bits", test_all_bits);
    g_test_add_func("/atr-filter/mask", test_mask);
    g_test_add_func("/atr-filter/lengths", test_lengths);
    g_test_add_func("/atr-filter/refused", test_refused);
    return g_test_run();
}
