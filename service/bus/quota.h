/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Limits of one session: the number of calls that have no reply yet, and the number of bytes in
 * them. Reference counted: calls may outlive their session, and each call that is charged has a
 * reference.
 */

#include "base/config.h"
#include "base/limit.h"

typedef struct ScdQuota ScdQuota;

/* The charge of one call. All zero: not charged. */
typedef struct {
    ScdQuota *quota;
    ScdCharge calls;
    ScdCharge bytes;
} ScdQuotaCharge;

/* account: the memory of the session's user, for scd_quota_account(); a reference is kept. */
ScdQuota *scd_quota_new(const ScdConfig *config, ScdAccount *account);
void scd_quota_unref(ScdQuota *quota);

ScdAccount *scd_quota_account(const ScdQuota *quota);

/* Charges one call with that number of bytes. Fails with SCD_LIMITS_EXCEEDED. */
gboolean scd_quota_charge_take(ScdQuotaCharge *charge, ScdQuota *quota, gsize bytes,
                               GError **error);

/* From any thread. The charge is zero afterwards. */
void scd_quota_charge_give_back(ScdQuotaCharge *charge);
