/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Limits on the resources that clients can make the service hold, and the charges on them.
 *
 * A charge is embedded in the object that uses the resource. It is taken before that object exists,
 * and released by the object's destructor and nowhere else, so a limit counts the objects that
 * exist. All functions but those that create and destroy a limit are thread-safe. A limit must
 * outlive all charges on it.
 *
 * The token bucket and its rate, at the end, have no lock.
 */

#include <glib.h>

/* The strings are static. */
typedef struct {
    const char *what; /* the limited resource: "sessions of one user" */
    const char *key;  /* the setting of "most" in smartcardd.conf */
    gsize most;
} ScdLimitRule;

typedef struct {
    ScdLimitRule rule;
    _Atomic gsize used;
} ScdLimit;

/* All zero is an empty charge. */
typedef struct {
    ScdLimit *limit; /* NULL while nothing is charged */
    gsize amount;
} ScdCharge;

void scd_limit_init(ScdLimit *limit, const ScdLimitRule *rule);

/* Asserts that nothing is charged. */
void scd_limit_clear(ScdLimit *limit);

/* Returns whether nothing is charged. */
gboolean scd_limit_is_unused(const ScdLimit *limit);

/* Returns FALSE with SCD_LIMITS_EXCEEDED if less is left. The charge must be empty, and stays so.
 */
gboolean scd_charge_take(ScdCharge *charge, ScdLimit *limit, gsize amount, GError **error);

/* Empties the charge. */
void scd_charge_give_back(ScdCharge *charge);

/*
 * A limit for each user, and one for all users together. The account of a user is freed with the
 * last charge and the last reference of that user, so unprivileged users cannot make the table
 * grow.
 */
typedef struct ScdUserLimit ScdUserLimit;

/*
 * The share of one user. Finding it takes a lock, charging it takes none: code that charges often
 * keeps a reference.
 */
typedef struct ScdAccount ScdAccount;

/* All zero is an empty charge. */
typedef struct {
    ScdAccount *account; /* NULL while nothing is charged; a reference */
    gsize amount;
} ScdUserCharge;

ScdUserLimit *scd_user_limit_new(const ScdLimitRule *per_user, const ScdLimitRule *in_all);

/* Asserts that nothing is charged, and that no account is referenced. */
void scd_user_limit_free(ScdUserLimit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdUserLimit, scd_user_limit_free)

/* Frees a limit when its last charge has ended, which may be later and in another thread. */
void scd_user_limit_release(ScdUserLimit *limit);

/* Returns a reference to the account of the user. */
ScdAccount *scd_user_limit_get_account(ScdUserLimit *limit, guint32 uid);
ScdAccount *scd_account_ref(ScdAccount *account);
void scd_account_unref(ScdAccount *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAccount, scd_account_unref)

/* Returns whether the amount could be charged now. */
gboolean scd_account_has_room(const ScdAccount *account, gsize amount);

/* Returns FALSE with SCD_LIMITS_EXCEEDED if less is left of either limit. The charge must be empty,
 * and stays so. */
gboolean scd_user_charge_take(ScdUserCharge *charge, ScdUserLimit *limit, guint32 uid, gsize amount,
                              GError **error);
gboolean scd_user_charge_take_from(ScdUserCharge *charge, ScdAccount *account, gsize amount,
                                   GError **error);

/* Charges for something that exists already, even beyond a limit. The charge must be empty. */
void scd_user_charge_force(ScdUserCharge *charge, ScdAccount *account, gsize amount);

/* Releases a part of a charge, not more than all of it. */
void scd_user_charge_reduce(ScdUserCharge *charge, gsize amount);

/* Moves a charge to the object that it pays for. */
ScdUserCharge scd_user_charge_steal(ScdUserCharge *charge);

/* Empties the charge. */
void scd_user_charge_give_back(ScdUserCharge *charge);

/*
 * Fixed-window rate limit per subject, for the messages that a user can make the service write. All
 * subjects share the window, and its end resets all of them. The caller passes the time.
 */

typedef struct ScdRateLimit ScdRateLimit;

typedef enum {
    SCD_RATE_LIMIT_LEFT,
    SCD_RATE_LIMIT_LAST, /* allowed, and the last one in this window */
    SCD_RATE_LIMIT_SPENT,
} ScdRateLimitState;

ScdRateLimit *scd_rate_limit_new(guint most, gint64 window_us);
void scd_rate_limit_free(ScdRateLimit *rate_limit);

/* Counts one more for the subject, such as a user. now_us must not be less than in the previous
 * call. */
ScdRateLimitState scd_rate_limit_spend(ScdRateLimit *rate_limit, const char *subject,
                                       gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdRateLimit, scd_rate_limit_free)

/*
 * Token bucket: limits a rate, and allows a burst. A bucket is embedded in its subject, such as a
 * user, and refills by itself. The caller passes the time, in microseconds, and has a lock.
 */

typedef struct {
    guint per_second;
    guint burst; /* tokens in a full bucket */
} ScdTokenRate;

/* All zero is a full bucket. */
typedef struct {
    gint64 full_us; /* when it is full again if no more tokens are taken */
} ScdTokenBucket;

/* Returns whether there is a token. */
gboolean scd_token_bucket_has(const ScdTokenBucket *bucket, const ScdTokenRate *rate,
                              gint64 now_us);

gboolean scd_token_bucket_is_full(const ScdTokenBucket *bucket, gint64 now_us);

/* Takes as many tokens as there are, at most this number. */
void scd_token_bucket_take(ScdTokenBucket *bucket, const ScdTokenRate *rate, guint count,
                           gint64 now_us);

/* Puts tokens back that were taken. */
void scd_token_bucket_give_back(ScdTokenBucket *bucket, const ScdTokenRate *rate, guint count);
