/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The option "timeout-ms" of a method that becomes a job. */

#include "pcsc/job.h"

#define SCD_NO_TIMEOUT G_MAXUINT32

/* For a job that has not been submitted yet. 0: it must not wait. */
void scd_job_timeout_set(ScdJob *job, guint32 timeout_ms);
