/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/atr-filter.h"

#include <string.h>

#include "base/error.h"
#include "base/hex.h"

static GVariant *
bytes_of(const char *hex)
{
    gsize length = 0;
    g_autofree guint8 *bytes = hex ? scd_hex_to_bytes(hex, &length, NULL) : NULL;

    if (!hex)
        return NULL;
    return g_variant_ref_sink(g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1));
}

static gboolean
set(ScdAtrFilter *filter, const char *atr, const char *mask, GError **error)
{
    g_autoptr(GVariant) atr_bytes = bytes_of(atr);
    g_autoptr(GVariant) mask_bytes = bytes_of(mask);

    return scd_atr_filter_set(filter, atr_bytes, mask_bytes, error);
}

static gboolean
passes(const ScdAtrFilter *filter, const char *atr)
{
    g_autoptr(GVariant) bytes = bytes_of(atr);
    gsize length;
    const guint8 *data = g_variant_get_fixed_array(bytes, &length, 1);

    return scd_atr_filter_passes(filter, data, length);
}

static void
test_any(void)
{
    ScdAtrFilter filter = {0};

    g_assert_true(set(&filter, NULL, NULL, NULL));
    g_assert_true(passes(&filter, ""));
    g_assert_true(passes(&filter, "3B021450"));
}

static void
test_all_bits(void)
{
    ScdAtrFilter filter = {0};

    g_assert_true(set(&filter, "3B021450", NULL, NULL));
    g_assert_true(passes(&filter, "3B021450"));
    g_assert_false(passes(&filter, "3B021451"));
    g_assert_false(passes(&filter, "3B0214"));
    g_assert_false(passes(&filter, "3B02145000"));
    g_assert_false(passes(&filter, ""));
}

static void
test_mask(void)
{
    ScdAtrFilter filter = {0};

    /* What the mask leaves out does not count in the ATR that is asked for either. */
    g_assert_true(set(&filter, "3B02FF5F", "FFFF00F0", NULL));
    g_assert_true(passes(&filter, "3B021450"));
    g_assert_true(passes(&filter, "3B020051"));
    g_assert_false(passes(&filter, "3B021460"));
    g_assert_false(passes(&filter, "3F021450"));
    g_assert_false(passes(&filter, "3B0214"));
    g_assert_false(passes(&filter, "3B02145000"));
}

static void
test_lengths(void)
{
    char longest[2 * SCD_ATR_MAX_LENGTH + 1] = {0};
    ScdAtrFilter filter = {0};

    memset(longest, 'A', sizeof longest - 1);
    g_assert_true(set(&filter, longest, longest, NULL));
    g_assert_true(passes(&filter, longest));
    g_assert_true(set(&filter, "3B", "FF", NULL));
    g_assert_true(passes(&filter, "3B"));
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

        g_assert_false(set(&filter, cases[i].atr, cases[i].mask, &error));
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT);
        g_assert_cmpuint(filter.length, ==, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/atr-filter/any", test_any);
    g_test_add_func("/atr-filter/all-bits", test_all_bits);
    g_test_add_func("/atr-filter/mask", test_mask);
    g_test_add_func("/atr-filter/lengths", test_lengths);
    g_test_add_func("/atr-filter/refused", test_refused);
    return g_test_run();
}
