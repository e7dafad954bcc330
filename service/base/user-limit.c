/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/user-limit.h"

struct ScdUserLimit {
    ScdLimitRule per_user;
    ScdLimit all;
    GMutex lock;
    GHashTable *users; /* uid → ScdLimit, of those who have a charge; under the lock */
};

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
forget_unused_user_locked(ScdUserLimit *limit, guint32 uid)
{
    const ScdLimit *user = g_hash_table_lookup(limit->users, GUINT_TO_POINTER(uid));

    if (scd_limit_is_unused(user))
        g_hash_table_remove(limit->users, GUINT_TO_POINTER(uid));
}

static gboolean
take_locked(ScdUserCharge *charge, ScdUserLimit *limit, guint32 uid, GError **error)
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
    forget_unused_user_locked(limit, uid);
    return FALSE;
}

gboolean
scd_user_charge_take(ScdUserCharge *charge, ScdUserLimit *limit, guint32 uid, GError **error)
{
    g_mutex_lock(&limit->lock);
    gboolean taken = take_locked(charge, limit, uid, error);
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
    forget_unused_user_locked(limit, charge->uid);
    g_mutex_unlock(&limit->lock);
    charge->limit = NULL;
}
