/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a card's Answer To Reset. */

#include "base/atr.h"

#include "fuzz.h"

static void
check_valid(const ScdAtr *atr, char **protocols)
{
    g_assert_true(atr->n_levels <= SCD_ATR_MAX_LEVELS);
    g_assert_true(atr->n_protocols >= 1 && atr->n_protocols <= SCD_ATR_MAX_PROTOCOLS);
    g_assert_cmpuint(g_strv_length(protocols), >=, 1);
    g_assert_cmpuint(atr->historical_offset + atr->n_historical + atr->n_extra, <=, atr->length);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    ScdAtr atr;
    gboolean valid = scd_atr_parse(data, size, &atr, &error);
    g_auto(GStrv) protocols = scd_atr_dup_protocols(&atr);

    g_assert_cmpint(valid, ==, atr.valid);
    g_assert_cmpint(valid, ==, error == NULL);
    g_assert_cmpmem(atr.bytes, atr.length, data, MIN(size, SCD_ATR_MAX_LENGTH));
    if (valid)
        check_valid(&atr, protocols);
    else
        g_assert_false(scd_atr_is_contactless(&atr) || *protocols != NULL);
    return 0;
}
