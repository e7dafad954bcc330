/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The limits for each user on job queues, from their creation until the worker has freed them, and
 * on the bytes of memory that sessions and one-shot calls take.
 */

#include "base/config.h"
#include "base/limit.h"
#include "pcsc/workers.h"

/* Bytes that a session or a one-shot call takes: its objects, and its queue until that is freed. */
#define SCD_SESSION_COST 8192

typedef struct ScdSessionLimits ScdSessionLimits;

/* The workers must outlive the limits. */
ScdSessionLimits *scd_session_limits_new(ScdWorkers *workers, const ScdConfig *config);

/* All queues must have been freed. */
void scd_session_limits_free(ScdSessionLimits *limits);

/* Returns a reference to the user's account for the memory of jobs and responses. */
ScdAccount *scd_session_limits_get_account(ScdSessionLimits *limits, guint32 uid);

/* Returns a queue that is charged to the user until it has been freed. SCD_LIMITS_EXCEEDED. */
ScdJobQueue *scd_session_limits_new_queue(ScdSessionLimits *limits, guint32 uid, const char *reader,
                                          GError **error);
