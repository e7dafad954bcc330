/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * So many of something in a while for each user, and no more: for what a user
 * can make us write down. All whiles begin and end together, and with the end
 * of one all users are forgotten. No clock: whoever asks brings the time.
 */

#include <glib.h>

typedef struct ScdBudget ScdBudget;

typedef enum {
    SCD_BUDGET_LEFT,
    SCD_BUDGET_LAST, /* nothing is left after this one */
    SCD_BUDGET_SPENT,
} ScdBudgetState;

ScdBudget *scd_budget_new(guint most, gint64 while_us);
void scd_budget_free(ScdBudget *budget);

/* One more for that user. now_us: never less than the last time. */
ScdBudgetState scd_budget_spend(ScdBudget *budget, guint32 uid, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdBudget, scd_budget_free)
