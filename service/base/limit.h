/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A limit on what strangers can make us hold, and the charges on it.
 *
 * A charge is embedded in the thing that uses what is limited, taken before that thing exists and
 * given back by its destructor, nowhere else. So what a limit counts is what there is. Charges may
 * be taken and given back in any thread; a limit outlives all charges on it.
 */

#include <glib.h>

/* The strings are static. */
typedef struct {
    const char *what; /* of which there can be so many: "sessions of one user" */
    const char *key;  /* in smartcardd.conf, the setting of "most" */
    gsize most;
} ScdLimitRule;

typedef struct {
    ScdLimitRule rule;
    _Atomic gsize used;
} ScdLimit;

/* An empty one, all zero, is valid. */
typedef struct {
    ScdLimit *limit; /* NULL while nothing is charged */
    gsize amount;
} ScdCharge;

void scd_limit_init(ScdLimit *limit, const ScdLimitRule *rule);

/* Nothing may be charged any more. */
void scd_limit_clear(ScdLimit *limit);

/* Whether nothing is charged. */
gboolean scd_limit_is_unused(const ScdLimit *limit);

/* SCD_LIMIT_EXCEEDED when there is not so much left; the charge, which was empty, then stays so. */
gboolean scd_charge_take(ScdCharge *charge, ScdLimit *limit, gsize amount, GError **error);

/* Empties the charge. */
void scd_charge_give_back(ScdCharge *charge);
