/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A limit for each user, and one for all of them together.
 *
 * What is known of a user is forgotten with the last charge of that user: strangers cannot make the
 * table grow. As with any charge, all may be done in any thread.
 */

#include "base/limit.h"

typedef struct ScdUserLimit ScdUserLimit;

/* An empty one, all zero, is valid. */
typedef struct {
    ScdUserLimit *limit; /* NULL while nothing is charged */
    guint32 uid;
    ScdCharge of_user;
    ScdCharge in_all;
} ScdUserCharge;

ScdUserLimit *scd_user_limit_new(const ScdLimitRule *per_user, const ScdLimitRule *in_all);

/* Nothing may be charged any more. */
void scd_user_limit_free(ScdUserLimit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdUserLimit, scd_user_limit_free)

/* One more; SCD_LIMIT_EXCEEDED when the user, or all, have as many as they may. */
gboolean scd_user_charge_take(ScdUserCharge *charge, ScdUserLimit *limit, guint32 uid,
                              GError **error);

/* Empties the charge. */
void scd_user_charge_give_back(ScdUserCharge *charge);
