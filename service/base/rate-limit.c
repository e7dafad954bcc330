/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/rate-limit.h"

struct ScdRateLimit {
    guint most;
    gint64 window_us;
    gint64 ends_us;    /* the current window */
    GHashTable *spent; /* subject → count in this window */
};

ScdRateLimit *
scd_rate_limit_new(guint most, gint64 window_us)
{
    ScdRateLimit *rate_limit = g_new0(ScdRateLimit, 1);

    g_assert(most > 0);
    rate_limit->most = most;
    rate_limit->window_us = window_us;
    rate_limit->spent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return rate_limit;
}

void
scd_rate_limit_free(ScdRateLimit *rate_limit)
{
    g_hash_table_unref(rate_limit->spent);
    g_free(rate_limit);
}

ScdRateLimitState
scd_rate_limit_spend(ScdRateLimit *rate_limit, const char *subject, gint64 now_us)
{
    if (now_us >= rate_limit->ends_us) {
        g_hash_table_remove_all(rate_limit->spent);
        rate_limit->ends_us = now_us + rate_limit->window_us;
    }
    guint spent = GPOINTER_TO_UINT(g_hash_table_lookup(rate_limit->spent, subject));
    if (spent == rate_limit->most)
        return SCD_RATE_LIMIT_SPENT;
    g_hash_table_insert(rate_limit->spent, g_strdup(subject), GUINT_TO_POINTER(spent + 1));
    return spent + 1 == rate_limit->most ? SCD_RATE_LIMIT_LAST : SCD_RATE_LIMIT_LEFT;
}
