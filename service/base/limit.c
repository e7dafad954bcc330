/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/limit.h"

#include <stdatomic.h>

#include "base/error.h"

struct ScdAccount {
    ScdUserLimit *owner;
    guint32 uid;
    _Atomic guint references; /* becomes 0, and 1 when it is new, under the owner's lock only */
    ScdLimit limit;
};

struct ScdUserLimit {
    ScdLimitRule per_user;
    ScdLimit all;
    GMutex lock;
    GHashTable *accounts; /* uid → ScdAccount; under the lock */
    gboolean released;    /* to be freed with the last account; under the lock */
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

static gboolean
has_room(const ScdLimit *limit, gsize used, gsize amount)
{
    return used <= limit->rule.most && amount <= limit->rule.most - used;
}

static gboolean
use_limit(ScdLimit *limit, gsize amount, GError **error)
{
    gsize used = atomic_load(&limit->used);

    do {
        if (!has_room(limit, used, amount)) {
            g_set_error(error, SCD_ERROR, SCD_LIMITS_EXCEEDED,
                        "at most %" G_GSIZE_FORMAT " %s (%s in smartcardd.conf)", limit->rule.most,
                        limit->rule.what, limit->rule.key);
            return FALSE;
        }
    } while (!atomic_compare_exchange_weak(&limit->used, &used, used + amount));
    return TRUE;
}

static void
release_limit(ScdLimit *limit, gsize amount)
{
    gsize used = atomic_fetch_sub(&limit->used, amount);

    g_assert(used >= amount);
}

gboolean
scd_charge_take(ScdCharge *charge, ScdLimit *limit, gsize amount, GError **error)
{
    g_assert(charge->limit == NULL);
    if (!use_limit(limit, amount, error))
        return FALSE;
    *charge = (ScdCharge){limit, amount};
    return TRUE;
}

void
scd_charge_give_back(ScdCharge *charge)
{
    if (charge->limit == NULL)
        return;
    release_limit(charge->limit, charge->amount);
    *charge = (ScdCharge){NULL, 0};
}

static void
free_account(gpointer data)
{
    ScdAccount *account = data;

    scd_limit_clear(&account->limit);
    g_free(account);
}

ScdUserLimit *
scd_user_limit_new(const ScdLimitRule *per_user, const ScdLimitRule *in_all)
{
    ScdUserLimit *limit = g_new0(ScdUserLimit, 1);

    limit->per_user = *per_user;
    scd_limit_init(&limit->all, in_all);
    g_mutex_init(&limit->lock);
    limit->accounts = g_hash_table_new_full(NULL, NULL, NULL, free_account);
    return limit;
}

void
scd_user_limit_free(ScdUserLimit *limit)
{
    g_assert(g_hash_table_size(limit->accounts) == 0);
    g_hash_table_unref(limit->accounts);
    g_mutex_clear(&limit->lock);
    scd_limit_clear(&limit->all);
    g_free(limit);
}

void
scd_user_limit_release(ScdUserLimit *limit)
{
    g_mutex_lock(&limit->lock);
    limit->released = TRUE;
    gboolean unused = g_hash_table_size(limit->accounts) == 0;
    g_mutex_unlock(&limit->lock);
    if (unused)
        scd_user_limit_free(limit);
}

ScdAccount *
scd_user_limit_get_account(ScdUserLimit *limit, guint32 uid)
{
    g_mutex_lock(&limit->lock);
    ScdAccount *account = g_hash_table_lookup(limit->accounts, GUINT_TO_POINTER(uid));
    if (account == NULL) {
        account = g_new0(ScdAccount, 1);
        account->owner = limit;
        account->uid = uid;
        scd_limit_init(&account->limit, &limit->per_user);
        g_hash_table_insert(limit->accounts, GUINT_TO_POINTER(uid), account);
    }
    atomic_fetch_add(&account->references, 1);
    g_mutex_unlock(&limit->lock);
    return account;
}

ScdAccount *
scd_account_ref(ScdAccount *account)
{
    atomic_fetch_add(&account->references, 1);
    return account;
}

void
scd_account_unref(ScdAccount *account)
{
    ScdUserLimit *owner = account->owner;
    guint references = atomic_load(&account->references);

    while (references > 1)
        if (atomic_compare_exchange_weak(&account->references, &references, references - 1))
            return;
    g_mutex_lock(&owner->lock);
    if (atomic_fetch_sub(&account->references, 1) == 1)
        g_hash_table_remove(owner->accounts, GUINT_TO_POINTER(account->uid));
    gboolean was_last = owner->released && g_hash_table_size(owner->accounts) == 0;
    g_mutex_unlock(&owner->lock);
    if (was_last)
        scd_user_limit_free(owner);
}

gboolean
scd_account_has_room(const ScdAccount *account, gsize amount)
{
    const ScdLimit *all = &account->owner->all;

    return has_room(&account->limit, atomic_load(&account->limit.used), amount) &&
           has_room(all, atomic_load(&all->used), amount);
}

static gboolean
use_account(ScdAccount *account, gsize amount, GError **error)
{
    if (!use_limit(&account->limit, amount, error))
        return FALSE;
    if (use_limit(&account->owner->all, amount, error))
        return TRUE;
    release_limit(&account->limit, amount);
    return FALSE;
}

gboolean
scd_user_charge_take_from(ScdUserCharge *charge, ScdAccount *account, gsize amount, GError **error)
{
    g_assert(charge->account == NULL);
    if (!use_account(account, amount, error))
        return FALSE;
    *charge = (ScdUserCharge){scd_account_ref(account), amount};
    return TRUE;
}

gboolean
scd_user_charge_take(ScdUserCharge *charge, ScdUserLimit *limit, guint32 uid, gsize amount,
                     GError **error)
{
    g_autoptr(ScdAccount) account = scd_user_limit_get_account(limit, uid);

    return scd_user_charge_take_from(charge, account, amount, error);
}

void
scd_user_charge_force(ScdUserCharge *charge, ScdAccount *account, gsize amount)
{
    g_assert(charge->account == NULL);
    atomic_fetch_add(&account->limit.used, amount);
    atomic_fetch_add(&account->owner->all.used, amount);
    *charge = (ScdUserCharge){scd_account_ref(account), amount};
}

void
scd_user_charge_reduce(ScdUserCharge *charge, gsize amount)
{
    g_assert(amount <= charge->amount);
    release_limit(&charge->account->limit, amount);
    release_limit(&charge->account->owner->all, amount);
    charge->amount -= amount;
}

ScdUserCharge
scd_user_charge_steal(ScdUserCharge *charge)
{
    ScdUserCharge stolen = *charge;

    *charge = (ScdUserCharge){0};
    return stolen;
}

void
scd_user_charge_give_back(ScdUserCharge *charge)
{
    if (charge->account == NULL)
        return;
    scd_user_charge_reduce(charge, charge->amount);
    g_clear_pointer(&charge->account, scd_account_unref);
}

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

static gint64
time_to_fill(const ScdTokenRate *rate, guint count)
{
    return (gint64)count * G_USEC_PER_SEC / rate->per_second;
}

gboolean
scd_token_bucket_has(const ScdTokenBucket *bucket, const ScdTokenRate *rate, gint64 now_us)
{
    return bucket->full_us <= now_us + time_to_fill(rate, rate->burst) - time_to_fill(rate, 1);
}

gboolean
scd_token_bucket_is_full(const ScdTokenBucket *bucket, gint64 now_us)
{
    return bucket->full_us <= now_us;
}

void
scd_token_bucket_take(ScdTokenBucket *bucket, const ScdTokenRate *rate, guint count, gint64 now_us)
{
    gint64 full_us = MAX(bucket->full_us, now_us) + time_to_fill(rate, count);

    bucket->full_us = MIN(full_us, now_us + time_to_fill(rate, rate->burst));
}

void
scd_token_bucket_give_back(ScdTokenBucket *bucket, const ScdTokenRate *rate, guint count)
{
    bucket->full_us -= time_to_fill(rate, count);
}
