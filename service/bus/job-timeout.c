/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/job-timeout.h"

void
scd_job_timeout_set(ScdJob *job, guint32 timeout_ms)
{
    if (timeout_ms == 0)
        job->wait_until = SCD_JOB_NO_WAIT;
    else if (timeout_ms != SCD_NO_TIMEOUT)
        job->end_by = g_get_monotonic_time() + (gint64)timeout_ms * G_TIME_SPAN_MILLISECOND;
}
