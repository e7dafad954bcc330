/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/job-queue.h"

#include <winscard.h>

#include "pcsc/worker-private.h"

gboolean
scd_job_needs_scheduling(const ScdJob *job)
{
    if (job->refused)
        return FALSE;
    switch (job->kind) {
    case SCD_JOB_CONNECT:
    case SCD_JOB_RECONNECT:
    case SCD_JOB_BEGIN:
    case SCD_JOB_TRANSMIT:
        return TRUE;
    case SCD_JOB_DISCONNECT:
        return job->action != SCARD_LEAVE_CARD;
    case SCD_JOB_END: /* to these pcscd has an answer at once, whoever holds the card */
    case SCD_JOB_CONTROL:
    case SCD_JOB_GET_ATTRIBUTE:
    case SCD_JOB_SET_ATTRIBUTE:
    case SCD_JOB_STATUS:
        return FALSE;
    }
    g_assert_not_reached();
}

ScdJob *
scd_job_queue_first_job_locked(const ScdJobQueue *handle)
{
    return g_queue_peek_head((GQueue *)&handle->jobs);
}

void
scd_job_queue_schedule_locked(ScdJobQueue *handle)
{
    ScdJob *job = scd_job_queue_first_job_locked(handle);

    if (!job || !scd_job_needs_scheduling(job))
        return;
    if (handle->closed)
        scd_run_queue_enqueue_first(&handle->worker->run_queue, handle);
    else
        scd_run_queue_enqueue(&handle->worker->run_queue, handle);
}

void
scd_job_queue_free_locked(ScdJobQueue *handle)
{
    scd_run_queue_remove(&handle->worker->run_queue, handle);
    g_ptr_array_remove_fast(handle->worker->handles, handle);
    g_queue_clear(&handle->jobs);
    g_clear_pointer(&handle->channel, scd_channel_free);
    g_clear_pointer(&handle->next_channel, scd_channel_free);
    g_clear_pointer(&handle->taken_data, g_atomic_rc_box_release);
    g_free(handle);
}

ScdJobQueue *
scd_job_queue_new(ScdWorker *worker)
{
    ScdJobQueue *handle = g_new0(ScdJobQueue, 1);
    handle->worker = worker;
    g_queue_init(&handle->jobs);
    g_mutex_lock(&worker->lock);
    g_ptr_array_add(worker->handles, handle);
    g_mutex_unlock(&worker->lock);
    return handle;
}

void
scd_job_queue_append_locked(ScdJobQueue *handle, ScdJob *job)
{
    g_atomic_int_set(&job->state, SCD_JOB_QUEUED);
    g_queue_push_tail(&handle->jobs, job);
    if (handle->jobs.length == 1)
        scd_job_queue_schedule_locked(handle);
    scd_worker_wake_locked(handle->worker);
}

void
scd_job_queue_submit(ScdJobQueue *handle, ScdJob *job)
{
    g_mutex_lock(&handle->worker->lock);
    scd_job_queue_append_locked(handle, job);
    g_mutex_unlock(&handle->worker->lock);
}

void
scd_job_queue_cancel(ScdJobQueue *handle, ScdJob *job, guint32 code)
{
    ScdWorker *worker = handle->worker;

    g_mutex_lock(&worker->lock);
    ScdJobState state = job->state;
    gboolean was_first = scd_job_queue_first_job_locked(handle) == job;
    if (state == SCD_JOB_QUEUED) {
        g_queue_remove(&handle->jobs, job);
        if (was_first)
            scd_run_queue_dequeue(&worker->run_queue, handle);
        scd_job_queue_schedule_locked(handle);
        scd_worker_wake_locked(worker);
    }
    g_atomic_int_set(&job->state, SCD_JOB_DONE);
    g_mutex_unlock(&worker->lock);

    if (state == SCD_JOB_DONE)
        return;
    /* One that runs is the worker's until it returns; what comes of it is not looked at. */
    if (state == SCD_JOB_RUNNING)
        scd_job_ref(job);
    scd_job_finish(job, code);
}

void
scd_job_queue_close(ScdJobQueue *handle, ScdJob *disconnect, guint32 code)
{
    ScdWorker *worker = handle->worker;
    GQueue cancelled = G_QUEUE_INIT;

    g_mutex_lock(&worker->lock);
    handle->closed = TRUE;
    ScdJob *first = scd_job_queue_first_job_locked(handle);
    gboolean running = first && first->state == SCD_JOB_RUNNING;
    for (GList *link = handle->jobs.head, *next; link; link = next) {
        ScdJob *job = link->data;
        next = link->next;
        if (job == first && running)
            continue;
        if (job->answered_in_worker) {
            job->refused = code;
            continue;
        }
        g_atomic_int_set(&job->state, SCD_JOB_DONE);
        g_queue_push_tail(&cancelled, job);
        g_queue_delete_link(&handle->jobs, link);
    }
    if (running)
        g_atomic_int_set(&first->unwanted, TRUE);
    scd_run_queue_dequeue(&worker->run_queue, handle);
    scd_job_queue_append_locked(handle, disconnect);
    if (!running)
        scd_job_queue_schedule_locked(handle);
    g_mutex_unlock(&worker->lock);

    for (ScdJob *job = NULL; (job = g_queue_pop_head(&cancelled));)
        scd_job_finish(job, code);
}

guint
scd_job_queue_protocol(const ScdJobQueue *handle)
{
    return g_atomic_int_get(&handle->card.protocol);
}

guint
scd_job_queue_share_mode(const ScdJobQueue *handle)
{
    return g_atomic_int_get(&handle->card.share_mode);
}

gboolean
scd_job_queue_in_transaction(const ScdJobQueue *handle)
{
    return g_atomic_int_get(&handle->card.depth) > 0;
}

void
scd_job_queue_on_transaction_taken(ScdJobQueue *handle, GSourceFunc func, gpointer data)
{
    g_mutex_lock(&handle->worker->lock);
    handle->taken = func;
    handle->taken_data = data;
    g_mutex_unlock(&handle->worker->lock);
}

gboolean
scd_job_queue_open_channel(ScdJobQueue *handle, int fd)
{
    ScdWorker *worker = handle->worker;

    g_mutex_lock(&worker->lock);
    ScdChannel *last = handle->next_channel ? handle->next_channel : handle->channel;
    gboolean free = !last || scd_channel_is_left(last);
    if (free) {
        g_clear_pointer(&handle->next_channel, scd_channel_free);
        *(handle->channel ? &handle->next_channel : &handle->channel) = scd_channel_new(fd);
        worker->heard = FALSE;
        scd_worker_wake_locked(worker);
    }
    g_mutex_unlock(&worker->lock);
    return free;
}
