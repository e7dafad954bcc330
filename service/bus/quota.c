/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/quota.h"

struct ScdQuota {
    gatomicrefcount references;
    ScdLimit calls;
    ScdLimit bytes;
    ScdAccount *account;
};

ScdQuota *
scd_quota_new(const ScdConfig *config, ScdAccount *account)
{
    const ScdLimitRule calls = {"calls of one session that wait", "CallsPerSession",
                                config->calls_per_session};
    const ScdLimitRule bytes = {"bytes in the calls of one session that wait", "BytesPerSession",
                                config->bytes_per_session};
    ScdQuota *quota = g_new0(ScdQuota, 1);

    g_atomic_ref_count_init(&quota->references);
    scd_limit_init(&quota->calls, &calls);
    scd_limit_init(&quota->bytes, &bytes);
    quota->account = scd_account_ref(account);
    return quota;
}

void
scd_quota_unref(ScdQuota *quota)
{
    if (!g_atomic_ref_count_dec(&quota->references))
        return;
    scd_limit_clear(&quota->calls);
    scd_limit_clear(&quota->bytes);
    scd_account_unref(quota->account);
    g_free(quota);
}

ScdAccount *
scd_quota_account(const ScdQuota *quota)
{
    return quota->account;
}

gboolean
scd_quota_charge_take(ScdQuotaCharge *charge, ScdQuota *quota, gsize bytes, GError **error)
{
    if (!scd_charge_take(&charge->calls, &quota->calls, 1, error))
        return FALSE;
    if (!scd_charge_take(&charge->bytes, &quota->bytes, bytes, error)) {
        scd_charge_give_back(&charge->calls);
        return FALSE;
    }
    g_atomic_ref_count_inc(&quota->references);
    charge->quota = quota;
    return TRUE;
}

void
scd_quota_charge_give_back(ScdQuotaCharge *charge)
{
    if (!charge->quota)
        return;
    scd_charge_give_back(&charge->calls);
    scd_charge_give_back(&charge->bytes);
    g_clear_pointer(&charge->quota, scd_quota_unref);
}
