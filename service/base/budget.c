/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/budget.h"

struct ScdBudget {
    guint most;
    gint64 while_us;
    gint64 ends_us;    /* this while */
    GHashTable *spent; /* uid → how many */
};

ScdBudget *
scd_budget_new(guint most, gint64 while_us)
{
    ScdBudget *budget = g_new0(ScdBudget, 1);

    g_assert(most > 0);
    budget->most = most;
    budget->while_us = while_us;
    budget->spent = g_hash_table_new(NULL, NULL);
    return budget;
}

void
scd_budget_free(ScdBudget *budget)
{
    g_hash_table_unref(budget->spent);
    g_free(budget);
}

ScdBudgetState
scd_budget_spend(ScdBudget *budget, guint32 uid, gint64 now_us)
{
    if (now_us >= budget->ends_us) {
        g_hash_table_remove_all(budget->spent);
        budget->ends_us = now_us + budget->while_us;
    }
    guint spent = GPOINTER_TO_UINT(g_hash_table_lookup(budget->spent, GUINT_TO_POINTER(uid)));
    if (spent == budget->most)
        return SCD_BUDGET_SPENT;
    g_hash_table_insert(budget->spent, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(spent + 1));
    return spent + 1 == budget->most ? SCD_BUDGET_LAST : SCD_BUDGET_LEFT;
}
