/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Jobs that are given up after some time: the option "timeout-ms". The timers
 * are the main loop's, so that they fire whatever the worker is caught in.
 */

#include "pcsc/job-queue.h"

#define SCD_NO_TIMEOUT G_MAXUINT32

typedef struct ScdJobTimeouts ScdJobTimeouts;

/* For the jobs of one handle, until that is closed. */
ScdJobTimeouts *scd_job_timeouts_new(ScdJobQueue *handle);
void scd_job_timeouts_free(ScdJobTimeouts *timeouts);

/* The job, not submitted yet, ends with SCARD_E_TIMEOUT when the time, in milliseconds, is over. */
void scd_job_timeouts_add(ScdJobTimeouts *timeouts, ScdJob *job, guint32 timeout_ms);
