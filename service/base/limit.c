/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/limit.h"

#include <stdatomic.h>

#include "base/error.h"

struct ScdUserLimit {
    ScdLimitRule per_user;
    ScdLimit all;
    GMutex lock;
    GHashTable *users; /* uid → ScdLimit, of users with a charge; under the lock */
};

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

static void
free_limit(gpointer data)
{
    ScdLimit *limit = data;

    scd_limit_clear(limit);
    g_free(limit);
}

ScdUserLimit *
scd_user_limit_new(const ScdLimitRule *per_user, const ScdLimitRule *in_all)
{
    ScdUserLimit *limit = g_new0(ScdUserLimit, 1);

    limit->per_user = *per_user;
    scd_limit_init(&limit->all, in_all);
    g_mutex_init(&limit->lock);
    limit->users = g_hash_table_new_full(NULL, NULL, NULL, free_limit);
    return limit;
}

void
scd_user_limit_free(ScdUserLimit *limit)
{
    g_assert(g_hash_table_size(limit->users) == 0);
    g_hash_table_unref(limit->users);
    g_mutex_clear(&limit->lock);
    scd_limit_clear(&limit->all);
    g_free(limit);
}

static ScdLimit *
ensure_user_locked(ScdUserLimit *limit, guint32 uid)
{
    ScdLimit *user = g_hash_table_lookup(limit->users, GUINT_TO_POINTER(uid));

    if (user == NULL) {
        user = g_new0(ScdLimit, 1);
        scd_limit_init(user, &limit->per_user);
        g_hash_table_insert(limit->users, GUINT_TO_POINTER(uid), user);
    }
    return user;
}

static void
remove_unused_user_locked(ScdUserLimit *limit, guint32 uid)
{
    const ScdLimit *user = g_hash_table_lookup(limit->users, GUINT_TO_POINTER(uid));

    if (scd_limit_is_unused(user))
        g_hash_table_remove(limit->users, GUINT_TO_POINTER(uid));
}

static gboolean
take_charge_locked(ScdUserCharge *charge, ScdUserLimit *limit, guint32 uid, GError **error)
{
    ScdLimit *user = ensure_user_locked(limit, uid);

    if (scd_charge_take(&charge->of_user, user, 1, error)) {
        if (scd_charge_take(&charge->in_all, &limit->all, 1, error)) {
            charge->limit = limit;
            charge->uid = uid;
            return TRUE;
        }
        scd_charge_give_back(&charge->of_user);
    }
    remove_unused_user_locked(limit, uid);
    return FALSE;
}

gboolean
scd_user_charge_take(ScdUserCharge *charge, ScdUserLimit *limit, guint32 uid, GError **error)
{
    g_mutex_lock(&limit->lock);
    gboolean taken = take_charge_locked(charge, limit, uid, error);
    g_mutex_unlock(&limit->lock);
    return taken;
}

void
scd_user_charge_give_back(ScdUserCharge *charge)
{
    ScdUserLimit *limit = charge->limit;

    if (limit == NULL)
        return;
    g_mutex_lock(&limit->lock);
    scd_charge_give_back(&charge->of_user);
    scd_charge_give_back(&charge->in_all);
    remove_unused_user_locked(limit, charge->uid);
    g_mutex_unlock(&limit->lock);
    charge->limit = NULL;
}
