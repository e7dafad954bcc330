/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * So many of something in a while for each user, and no more: for what a user
 * can make us write down. All whiles begin and end together, and with the end
 * of one all users are forgotten. No clock: whoever asks brings the time.
 */

#include <glib.h>

typedef struct ScdRateLimit ScdRateLimit;

typedef enum {
    SCD_BUDGET_LEFT,
    SCD_BUDGET_LAST, /* nothing is left after this one */
    SCD_BUDGET_SPENT,
} ScdBudgetState;

ScdRateLimit *scd_rate_limit_new(guint most, gint64 window_us);
void scd_rate_limit_free(ScdRateLimit *rate_limit);

/* One more for that user. now_us: never less than the last time. */
ScdBudgetState scd_rate_limit_spend(ScdRateLimit *rate_limit, guint32 uid, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdRateLimit, scd_rate_limit_free)
