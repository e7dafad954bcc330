/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rig.h"

#include <dlfcn.h>
#include <time.h>

#include "fake-pcsc.h"
#include "pcsc/main-thread.h"

static GMutex lock;
static GCond changed;
static gint64 clock_offset_us; /* guarded by clock_lock */
static GMutex clock_lock;

/* In place of GLib's, for the code under test. */
gint64
g_get_monotonic_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    g_mutex_lock(&clock_lock);
    gint64 offset_us = clock_offset_us;
    g_mutex_unlock(&clock_lock);
    return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000 + offset_us;
}

/* The clock above does not wake the main loop: a source that is to be ready at all runs at once,
 * and looks at it. */
void
g_source_set_ready_time(GSource *source, gint64 ready_time)
{
    static void (*real)(GSource *, gint64);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "g_source_set_ready_time");
    real(source, ready_time < 0 ? -1 : 0);
}

/* Waits until that clock has the time, as far as it is not advanced meanwhile. */
gboolean
g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    static gboolean (*real)(GCond *, GMutex *, gint64);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "g_cond_wait_until");
    g_mutex_lock(&clock_lock);
    gint64 offset_us = clock_offset_us;
    g_mutex_unlock(&clock_lock);
    return real(cond, mutex, end_time - offset_us);
}

void
rig_advance_clock(gint64 us)
{
    g_mutex_lock(&clock_lock);
    clock_offset_us += us;
    g_mutex_unlock(&clock_lock);
}

void
rig_iterate(void)
{
    for (guint i = 0; i < 4; i++)
        g_main_context_iteration(NULL, FALSE);
}

static void
job_done(ScdJob *job, guint32 code, gpointer data)
{
    RigJob *rig_job = data;

    g_mutex_lock(&lock);
    rig_job->n_answers++;
    rig_job->code = code;
    rig_job->sent = scd_job_was_sent(job);
    rig_job->blocks = rig_job->holds_worker;
    g_cond_broadcast(&changed);
    while (rig_job->blocks)
        g_cond_wait(&changed, &lock);
    g_mutex_unlock(&lock);
}

static void
job_freed(gpointer data)
{
    RigJob *rig_job = data;
    rig_job->n_frees++;
}

RigJob *
rig_new_job(Rig *rig, ScdJobKind kind)
{
    static const guint8 command[] = {0, 0xA4, 4, 0};
    RigJob *rig_job = g_new0(RigJob, 1);

    rig_job->job = scd_job_new(kind, job_done, rig_job, job_freed);
    rig_job->job->share_mode = 2;
    rig_job->job->protocols = 3;
    if (kind == SCD_JOB_TRANSMIT)
        scd_bytes_list_add(&rig_job->job->inputs, g_bytes_new(command, sizeof command));
    g_ptr_array_add(rig->jobs, rig_job);
    return rig_job;
}

RigJob *
rig_submit(Rig *rig, ScdJobQueue *queue, ScdJobKind kind)
{
    RigJob *rig_job = rig_new_job(rig, kind);
    scd_job_queue_submit(queue, scd_job_ref(rig_job->job));
    return rig_job;
}

void
rig_wait(RigJob *job)
{
    g_mutex_lock(&lock);
    while (job->n_answers == 0)
        g_cond_wait(&changed, &lock);
    g_mutex_unlock(&lock);
}

guint
rig_count_answers(const RigJob *job)
{
    g_mutex_lock(&lock);
    guint count = job->n_answers;
    g_mutex_unlock(&lock);
    return count;
}

guint32
rig_run(Rig *rig, ScdJobQueue *queue, ScdJobKind kind)
{
    RigJob *job = rig_submit(rig, queue, kind);

    rig_wait(job);
    return job->code;
}

void
rig_wait_until_answer_blocks(RigJob *job)
{
    g_mutex_lock(&lock);
    while (!job->blocks)
        g_cond_wait(&changed, &lock);
    g_mutex_unlock(&lock);
}

void
rig_let_answer(RigJob *job)
{
    g_mutex_lock(&lock);
    job->holds_worker = FALSE;
    job->blocks = FALSE;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
}

static gboolean
count_destroyed(gpointer data)
{
    Rig *rig = data;
    rig->n_destroyed++;
    return G_SOURCE_REMOVE;
}

/* In the worker. */
static void
queue_destroyed(gpointer data)
{
    scd_main_thread_invoke(count_destroyed, data, NULL);
}

static ScdJobQueue *
new_queue(Rig *rig, guint32 uid)
{
    g_autoptr(GError) error = NULL;
    ScdJobQueue *queue =
        scd_workers_new_queue(rig->workers, "Reader", uid, queue_destroyed, rig, &error);

    g_assert_no_error(error);
    rig->n_queues++;
    return queue;
}

Rig *
rig_new(gboolean connected)
{
    Rig *rig = g_new0(Rig, 1);

    fake_pcsc_reset();
    rig->jobs = g_ptr_array_new_with_free_func(g_free);
    rig->workers = scd_workers_new(5000, 60000);
    rig->ours = new_queue(rig, 1);
    rig->other = new_queue(rig, 2);
    g_assert_cmphex(rig_run(rig, rig->other, SCD_JOB_CONNECT), ==, 0);
    if (connected)
        g_assert_cmphex(rig_run(rig, rig->ours, SCD_JOB_CONNECT), ==, 0);
    return rig;
}

void
rig_close(Rig *rig, ScdJobQueue **queue, guint32 disposition)
{
    RigJob *disconnect = rig_new_job(rig, SCD_JOB_DISCONNECT);

    disconnect->job->action = disposition;
    scd_job_queue_close(g_steal_pointer(queue), scd_job_ref(disconnect->job), RIG_CODE_CLOSE);
}

void
rig_free(Rig *rig)
{
    if (rig->ours)
        rig_close(rig, &rig->ours, 0);
    if (rig->other)
        rig_close(rig, &rig->other, 0);
    gboolean stopped = scd_workers_stop(rig->workers);
    g_assert_true(stopped);
    while (rig->n_destroyed < rig->n_queues)
        g_main_context_iteration(NULL, TRUE);
    scd_workers_free(rig->workers);

    g_assert_cmpuint(rig->n_destroyed, ==, rig->n_queues);
    g_assert_cmpuint(fake_pcsc_count_handles(), ==, 0);
    g_assert_cmpuint(fake_pcsc_count_contexts(), ==, 0);
    g_assert_cmpuint(fake_pcsc_transaction_depth(), ==, 0);
    for (guint i = 0; i < rig->jobs->len; i++) {
        RigJob *job = rig->jobs->pdata[i];
        g_assert_cmpint(scd_job_state(job->job), ==, SCD_JOB_DONE);
        g_assert_cmpuint(job->job->inputs.length, ==, 0);
        g_assert_cmpuint(job->n_answers, ==, 1);
        g_assert_cmpuint(job->n_frees, ==, 0);
        scd_job_unref(job->job);
        g_assert_cmpuint(job->n_frees, ==, 1);
    }
    g_ptr_array_unref(rig->jobs);
    g_free(rig);
}
