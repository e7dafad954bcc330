/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Limits on the resources that clients can make the service hold, and the charges on them.
 *
 * A charge is embedded in the object that uses the resource. It is taken before that object exists,
 * and released by the object's destructor and nowhere else, so a limit counts the objects that
 * exist. All functions but those that create and destroy a limit are thread-safe. A limit must
 * outlive all charges on it.
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

/* Returns FALSE with SCD_LIMIT_EXCEEDED if less is left. The charge must be empty, and stays so. */
gboolean scd_charge_take(ScdCharge *charge, ScdLimit *limit, gsize amount, GError **error);

/* Empties the charge. */
void scd_charge_give_back(ScdCharge *charge);

/*
 * A limit for each user, and one for all users together. The entry of a user is freed with the last
 * charge of that user, so unprivileged users cannot make the table grow.
 */
typedef struct ScdUserLimit ScdUserLimit;

/* All zero is an empty charge. */
typedef struct {
    ScdUserLimit *limit; /* NULL while nothing is charged */
    guint32 uid;
    ScdCharge of_user;
    ScdCharge in_all;
} ScdUserCharge;

ScdUserLimit *scd_user_limit_new(const ScdLimitRule *per_user, const ScdLimitRule *in_all);

/* Asserts that nothing is charged. */
void scd_user_limit_free(ScdUserLimit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdUserLimit, scd_user_limit_free)

/* Charges one. Returns FALSE with SCD_LIMIT_EXCEEDED if either limit is reached. */
gboolean scd_user_charge_take(ScdUserCharge *charge, ScdUserLimit *limit, guint32 uid,
                              GError **error);

/* Empties the charge. */
void scd_user_charge_give_back(ScdUserCharge *charge);
