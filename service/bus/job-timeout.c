/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/job-timeout.h"

#include "pcsc/code.h"

struct ScdJobTimeouts {
    ScdJobQueue *handle;
    GPtrArray *waits; /* of Wait */
};

typedef struct {
    ScdJobTimeouts *timeouts;
    ScdJob *job;
    guint timer;
} Wait;

static void
free_wait(gpointer data)
{
    Wait *wait = data;
    g_clear_handle_id(&wait->timer, g_source_remove);
    scd_job_unref(wait->job);
    g_free(wait);
}

ScdJobTimeouts *
scd_job_timeouts_new(ScdJobQueue *handle)
{
    ScdJobTimeouts *timeouts = g_new(ScdJobTimeouts, 1);
    timeouts->handle = handle;
    timeouts->waits = g_ptr_array_new_with_free_func(free_wait);
    return timeouts;
}

void
scd_job_timeouts_free(ScdJobTimeouts *timeouts)
{
    g_ptr_array_unref(timeouts->waits);
    g_free(timeouts);
}

static gboolean
give_up(gpointer data)
{
    Wait *wait = data;
    ScdJobTimeouts *timeouts = wait->timeouts;

    wait->timer = 0;
    scd_job_queue_cancel(timeouts->handle, wait->job, scd_code_of_error(SCD_E_TIMEOUT));
    g_ptr_array_remove_fast(timeouts->waits, wait);
    return G_SOURCE_REMOVE;
}

/* Nobody tells us when a job ends in time: its timer goes with the next one's arrival. */
static void
drop_ended(ScdJobTimeouts *timeouts)
{
    for (guint i = timeouts->waits->len; i > 0; i--)
        if (scd_job_is_done(((Wait *)timeouts->waits->pdata[i - 1])->job))
            g_ptr_array_remove_index_fast(timeouts->waits, i - 1);
}

void
scd_job_timeouts_add(ScdJobTimeouts *timeouts, ScdJob *job, guint32 timeout_ms)
{
    Wait *wait = g_new(Wait, 1);

    drop_ended(timeouts);
    wait->timeouts = timeouts;
    wait->job = scd_job_ref(job);
    wait->timer = g_timeout_add(timeout_ms, give_up, wait);
    g_ptr_array_add(timeouts->waits, wait);
}
