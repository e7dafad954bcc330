/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/limit.h"

#include <stdatomic.h>

#include "base/error.h"

void
scd_limit_init(ScdLimit *limit, const ScdLimitRule *rule)
{
    limit->rule = *rule;
    atomic_init(&limit->used, 0);
}

void
scd_limit_clear(ScdLimit *limit)
{
    g_assert(scd_limit_is_unused(limit));
}

gboolean
scd_limit_is_unused(const ScdLimit *limit)
{
    return atomic_load(&limit->used) == 0;
}

gboolean
scd_charge_take(ScdCharge *charge, ScdLimit *limit, gsize amount, GError **error)
{
    gsize used = atomic_load(&limit->used);

    g_assert(charge->limit == NULL);
    do {
        if (amount > limit->rule.most - used) {
            g_set_error(error, SCD_ERROR, SCD_LIMIT_EXCEEDED,
                        "at most %" G_GSIZE_FORMAT " %s (%s in smartcardd.conf)", limit->rule.most,
                        limit->rule.what, limit->rule.key);
            return FALSE;
        }
    } while (!atomic_compare_exchange_weak(&limit->used, &used, used + amount));
    *charge = (ScdCharge){limit, amount};
    return TRUE;
}

void
scd_charge_give_back(ScdCharge *charge)
{
    if (charge->limit == NULL)
        return;
    gsize used = atomic_fetch_sub(&charge->limit->used, charge->amount);
    g_assert(used >= charge->amount);
    *charge = (ScdCharge){NULL, 0};
}
