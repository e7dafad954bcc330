/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The limits of sessions and one-shot calls: those of each session (ScdQuota), and those of each
 * user (ScdSessionLimits).
 */

#include "base/config.h"
#include "base/limit.h"
#include "pcsc/workers.h"

/*
 * Limits of one session: the number of calls that have no reply yet, and the number of bytes in
 * them. Reference counted: calls may outlive their session, and each call that is charged has a
 * reference.
 */
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

/* Bytes that a session or a one-shot call takes: its objects, and its queue until that is freed. */
#define SCD_SESSION_COST 8192

/*
 * The limits of what sessions and one-shot calls make the service hold for each user: job queues,
 * from their creation until the worker has freed them, and bytes of memory.
 */
typedef struct ScdSessionLimits ScdSessionLimits;

/* The workers must outlive the limits. */
ScdSessionLimits *scd_session_limits_new(ScdWorkers *workers, const ScdConfig *config);

/* All queues must have been freed. */
void scd_session_limits_free(ScdSessionLimits *limits);

/* The user's account for the memory of jobs and responses: a reference. */
ScdAccount *scd_session_limits_get_account(ScdSessionLimits *limits, guint32 uid);

/* Returns a queue that is charged to the user until it has been freed. SCD_LIMITS_EXCEEDED. */
ScdJobQueue *scd_session_limits_new_queue(ScdSessionLimits *limits, guint32 uid, const char *reader,
                                          GError **error);
