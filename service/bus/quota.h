/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How many calls of a session may wait for their answer, and how many bytes
 * there may be in them. Calls may outlive their session, so a quota lives until
 * the last of them has given back what it was charged.
 */

#include "base/config.h"
#include "base/limit.h"

typedef struct ScdQuota ScdQuota;

/* What one call takes. An empty one, all zero, is valid. */
typedef struct {
    ScdQuota *quota;
    ScdCharge calls;
    ScdCharge bytes;
} ScdQuotaCharge;

ScdQuota *scd_quota_new(const ScdConfig *config);
void scd_quota_unref(ScdQuota *quota);

/* One more call, of so many bytes; SCD_LIMIT_EXCEEDED. */
gboolean scd_quota_charge_take(ScdQuotaCharge *charge, ScdQuota *quota, gsize bytes,
                               GError **error);

/* From any thread; empties the charge. */
void scd_quota_charge_give_back(ScdQuotaCharge *charge);
