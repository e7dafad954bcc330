/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as a card list, and any ATR to look up in it: a length, the ATR, and the text. */

#include "base/card-list.h"

#include "fuzz.h"

#define ATR_MAX 33

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    gsize n_atr = size > 0 ? MIN(data[0] % (ATR_MAX + 1), size - 1) : 0;
    gsize start = MIN(size, 1 + n_atr);
    g_autoptr(GBytes) text = g_bytes_new(data + start, size - start);
    g_autofree guint8 *atr = g_memdup2(data + start - n_atr, n_atr);
    g_autoptr(ScdCardList) list = scd_card_list_new(text);
    g_auto(GStrv) names = scd_card_list_lookup(list, atr, n_atr);

    scd_fuzz_assert_texts(names);
    g_assert_cmpuint(g_strv_length(names), <=, SCD_CARD_LIST_MAX_NAMES);
    for (char **name = names; *name != NULL; name++)
        g_assert_false(g_strv_contains((const char *const *)name + 1, *name));
    return 0;
}
