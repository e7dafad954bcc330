/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/job.h"

ScdJob *
scd_job_new(ScdJobKind kind, ScdJobFunc done, gpointer data, GDestroyNotify free_data)
{
    ScdJob *job = g_new0(ScdJob, 1);
    g_atomic_ref_count_init(&job->references);
    job->kind = kind;
    job->done = done;
    job->data = data;
    job->free_data = free_data;
    return job;
}

ScdJob *
scd_job_ref(ScdJob *job)
{
    g_atomic_ref_count_inc(&job->references);
    return job;
}

void
scd_job_unref(ScdJob *job)
{
    if (!g_atomic_ref_count_dec(&job->references))
        return;
    if (job->free_data)
        job->free_data(job->data);
    scd_bytes_list_clear(&job->inputs);
    scd_bytes_list_clear(&job->outputs);
    g_free(job);
}

gboolean
scd_job_is_done(const ScdJob *job)
{
    return g_atomic_int_get(&job->state) == SCD_JOB_DONE;
}

void
scd_job_finish(ScdJob *job, guint32 code)
{
    if (job->done)
        job->done(job, code, job->data);
    scd_job_unref(job);
}
