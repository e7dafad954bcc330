/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties of all ATRs, tested with 100,000 random and with thousands of real ones. */

#include "base/atr.h"

#include "base/error.h"
#include "installed-list.h"

/* Parses a copy of the exact length, so that a sanitizer detects a read past the end. */
static gboolean
parse_copy(const guint8 *bytes, gsize length, ScdAtr *atr, GError **error)
{
    g_autofree guint8 *copy = g_memdup2(bytes, length);

    return scd_atr_parse(copy, length, atr, error);
}

/* Each byte belongs to exactly one part. */
static void
assert_consistent(const ScdAtr *atr)
{
    guint n_interface = 0;
    gboolean has_check = atr->check == SCD_ATR_CHECK_OK || atr->check == SCD_ATR_CHECK_WRONG;

    for (guint i = 0; i < atr->n_levels; i++)
        n_interface += (guint)__builtin_popcount(atr->levels[i].present);
    g_assert_cmpuint(atr->historical_offset, ==, 2 + n_interface);
    g_assert_cmpuint(atr->historical_offset + atr->n_historical + has_check + atr->n_extra, ==,
                     atr->length);
    g_assert_cmpuint(atr->n_protocols, >=, 1);
    for (guint i = 0; i < atr->n_protocols; i++)
        g_assert_cmpuint(atr->protocols[i], <, 15);
}

/* Half of the ATRs have a valid TS. */
static void
test_random_bytes(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    guint n_valid = 0;

    for (guint round = 0; round < 100000; round++) {
        guint8 bytes[40];
        gsize length = (gsize)g_rand_int_range(rand, 0, sizeof bytes + 1);
        for (gsize i = 0; i < length; i++)
            bytes[i] = (guint8)g_rand_int(rand);
        if (length > 0 && g_rand_boolean(rand))
            bytes[0] = g_rand_boolean(rand) ? 0x3B : 0x3F;

        ScdAtr atr;
        g_autoptr(GError) error = NULL;
        if (parse_copy(bytes, length, &atr, &error)) {
            n_valid++;
            g_assert_no_error(error);
            g_assert_cmpmem(atr.bytes, atr.length, bytes, length);
            assert_consistent(&atr);
        } else {
            g_assert_error(error, SCD_ERROR, SCD_E_INVALID_ATR);
            g_assert_false(atr.valid);
            g_assert_cmpuint(atr.n_protocols, ==, 0);
        }
    }
    g_assert_cmpuint(n_valid, >, 10000);
}

typedef struct {
    guint n;
    guint n_valid;
    guint n_clean; /* TCK is correct, and there are no extra bytes */
} CorpusCensus;

static void
count_atr(const guint8 *bytes, gsize length, char **lines, gpointer data)
{
    CorpusCensus *census = data;
    ScdAtr atr;

    census->n++;
    if (!parse_copy(bytes, length, &atr, NULL))
        return;
    assert_consistent(&atr);
    census->n_valid++;
    if (atr.check <= SCD_ATR_CHECK_OK && atr.n_extra == 0)
        census->n_clean++;
}

/* In the list of 2023: 3803 ATRs, of which 3782 (99.4 %) are valid and 3711 (97.6 %) clean. */
static void
test_installed_list(void)
{
    g_autoptr(GBytes) text = installed_list_load();
    CorpusCensus census = {0};

    if (text == NULL)
        return;
    installed_list_foreach(text, count_atr, &census);
    g_test_message("%u ATRs, %u valid, %u clean", census.n, census.n_valid, census.n_clean);
    g_assert_cmpuint(census.n, >=, 1000);
    g_assert_cmpuint(census.n_valid * 100, >=, census.n * 99);
    g_assert_cmpuint(census.n_clean * 100, >=, census.n * 97);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/atr-corpus/random-bytes", test_random_bytes);
    g_test_add_func("/atr-corpus/installed-list", test_installed_list);
    return g_test_run();
}
