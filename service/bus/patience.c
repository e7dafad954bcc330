/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/patience.h"

#include "pcsc/code.h"

struct ScdPatience {
    ScdHandle *handle;
    GPtrArray *waits; /* of Wait */
};

typedef struct {
    ScdPatience *patience;
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

ScdPatience *
scd_patience_new(ScdHandle *handle)
{
    ScdPatience *patience = g_new(ScdPatience, 1);
    patience->handle = handle;
    patience->waits = g_ptr_array_new_with_free_func(free_wait);
    return patience;
}

void
scd_patience_free(ScdPatience *patience)
{
    g_ptr_array_unref(patience->waits);
    g_free(patience);
}

static gboolean
give_up(gpointer data)
{
    Wait *wait = data;
    ScdPatience *patience = wait->patience;

    wait->timer = 0;
    scd_handle_cancel(patience->handle, wait->job, scd_code_of_error(SCD_E_TIMEOUT));
    g_ptr_array_remove_fast(patience->waits, wait);
    return G_SOURCE_REMOVE;
}

/* Nobody tells us when a job ends in time: its timer goes with the next one's arrival. */
static void
drop_ended(ScdPatience *patience)
{
    for (guint i = patience->waits->len; i > 0; i--)
        if (scd_job_is_done(((Wait *)patience->waits->pdata[i - 1])->job))
            g_ptr_array_remove_index_fast(patience->waits, i - 1);
}

void
scd_patience_limit(ScdPatience *patience, ScdJob *job, guint32 timeout_ms)
{
    Wait *wait = g_new(Wait, 1);

    drop_ended(patience);
    wait->patience = patience;
    wait->job = scd_job_ref(job);
    wait->timer = g_timeout_add(timeout_ms, give_up, wait);
    g_ptr_array_add(patience->waits, wait);
}
