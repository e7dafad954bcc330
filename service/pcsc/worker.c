/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/worker.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <winscard.h>

#include "base/frame.h"
#include "pcsc/code.h"
#include "pcsc/main-thread.h"
#include "pcsc/worker-private.h"

/* How long the thread and its context outlive the last handle: shells make call after call. */
#define LINGER_US (2 * G_USEC_PER_SEC)

#define NEVER G_MAXINT64

void
scd_worker_wake_locked(ScdWorker *worker)
{
    guint64 one = 1;

    if (worker->waiting && write(worker->wake_fd, &one, sizeof one) < 0)
        g_warning("Cannot wake a worker: %s", g_strerror(errno));
    worker->waiting = FALSE;
}

/* The handle whose first job is to be carried out now, or NULL and until when to wait. */
static ScdJobQueue *
choose_locked(ScdWorker *worker, gint64 now, gint64 *wait_until)
{
    *wait_until = NEVER;
    for (guint i = 0; i < worker->handles->len; i++) {
        ScdJobQueue *handle = worker->handles->pdata[i];
        ScdJob *job = scd_job_queue_first_job_locked(handle);
        if (job && !scd_job_needs_scheduling(job))
            return handle;
    }
    ScdJobQueue *next = scd_run_queue_next(&worker->run_queue);
    ScdJob *job = next ? scd_job_queue_first_job_locked(next) : NULL;
    if (!job)
        return NULL;
    gint64 try_at = scd_contention_retry_at(&worker->contention, job->kind == SCD_JOB_BEGIN);
    if (now < try_at && !worker->stopped) {
        *wait_until = try_at;
        return NULL;
    }
    return next;
}

/* Whether the holder has kept the others waiting for too long, or when that will be. */
static gboolean
is_hogged_locked(const ScdWorker *worker, gint64 now, gint64 *wait_until)
{
    if (!worker->run_queue.holder || scd_job_queue_first_job_locked(worker->run_queue.holder) ||
        !scd_run_queue_has_waiting(&worker->run_queue))
        return FALSE;
    gint64 limit =
        worker->holder_idle_since + (gint64)worker->options.transaction_idle_limit_ms * 1000;
    *wait_until = MIN(*wait_until, limit);
    return now >= limit;
}

/* After a job: the places of its handle in the run_queue. */
static void
pass_turn_locked(ScdWorker *worker, ScdJobQueue *handle, const ScdJob *job)
{
    gboolean held = worker->run_queue.holder == handle;
    gboolean holds = g_atomic_int_get(&handle->card.depth) > 0;
    gint64 now = g_get_monotonic_time();

    if (scd_job_needs_scheduling(job)) {
        scd_run_queue_dequeue(&worker->run_queue, handle);
        scd_contention_free(&worker->contention);
    }
    if (holds) {
        worker->run_queue.holder = handle;
        worker->holder_idle_since = now;
        if (!held)
            scd_contention_begin(&worker->contention, now);
    } else if (held) {
        worker->run_queue.holder = NULL;
        scd_contention_end(&worker->contention, now);
    }
    scd_job_queue_schedule_locked(handle);
}

static void
release_context_in_worker(ScdWorker *worker)
{
    if (worker->place.context)
        SCardReleaseContext(worker->place.context);
    worker->place.context = 0;
    worker->lost = FALSE;
}

/* Any one; NULL when none is. Handles end in this thread alone. */
static const ScdCardHandle *
find_connected_in_worker(ScdWorker *worker)
{
    const ScdCardHandle *connected = NULL;

    g_mutex_lock(&worker->lock);
    for (guint i = 0; i < worker->handles->len && !connected; i++) {
        const ScdJobQueue *handle = worker->handles->pdata[i];
        if (handle->card.connected)
            connected = &handle->card;
    }
    g_mutex_unlock(&worker->lock);
    return connected;
}

/*
 * A connection to pcscd that is lost never comes back. The handles on it stay
 * dead; without any there may be a new one.
 */
static guint32
ensure_context_in_worker(ScdWorker *worker)
{
    SCARDCONTEXT context = 0;

    if (worker->lost && !find_connected_in_worker(worker))
        release_context_in_worker(worker);
    if (worker->place.context)
        return SCARD_S_SUCCESS;
    guint32 code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    worker->place.context = context;
    return code;
}

static ScdOutcome
carry_out_in_worker(ScdWorker *worker, ScdJobQueue *handle, ScdJob *job)
{
    if (job->kind == SCD_JOB_CONNECT) {
        job->code = ensure_context_in_worker(worker);
        if (job->code != SCARD_S_SUCCESS)
            return SCD_OUTCOME_DONE;
        /* pcscd would keep us, and all other handles, until that transaction ends. */
        const ScdCardHandle *other = find_connected_in_worker(worker);
        if (other && scd_card_handle_is_held_up_in_worker(other)) {
            job->code = SCARD_E_SHARING_VIOLATION;
            return SCD_OUTCOME_BUSY;
        }
    }
    ScdOutcome outcome = scd_card_handle_do_in_worker(&handle->card, &worker->place, job);
    /* Of a connect, this code is pcscd's polkit refusing us the card. */
    if (scd_code_is_connection_lost(job->code) &&
        !(job->kind == SCD_JOB_CONNECT && job->code == SCARD_W_SECURITY_VIOLATION))
        worker->lost = TRUE;
    return outcome;
}

/* Called and returns with the lock held, which is let go meanwhile. */
static void
run_job_in_worker(ScdWorker *worker, ScdJobQueue *handle)
{
    ScdJob *job = scd_job_queue_first_job_locked(handle);

    g_atomic_int_set(&job->state, SCD_JOB_RUNNING);
    g_mutex_unlock(&worker->lock);
    ScdOutcome outcome = SCD_OUTCOME_DONE;
    if (job->refused)
        job->code = job->refused;
    else if (job->chained && handle->last_code != SCARD_S_SUCCESS)
        job->code = handle->last_code;
    else
        outcome = carry_out_in_worker(worker, handle, job);
    g_mutex_lock(&worker->lock);

    gboolean cancelled = job->state == SCD_JOB_DONE;
    if (outcome == SCD_OUTCOME_BUSY && job->unwanted)
        job->code = SCARD_E_CANCELLED;
    else if (outcome == SCD_OUTCOME_BUSY && !cancelled && !worker->stopped) {
        g_atomic_int_set(&job->state, SCD_JOB_QUEUED);
        scd_contention_busy(&worker->contention, g_get_monotonic_time());
        return;
    }
    g_atomic_int_set(&job->state, SCD_JOB_DONE);
    if (cancelled && outcome == SCD_OUTCOME_DONE) {
        g_mutex_unlock(&worker->lock);
        scd_card_handle_undo_in_worker(&handle->card, job);
        g_mutex_lock(&worker->lock);
    }
    handle->last_code = cancelled ? SCARD_E_CANCELLED : job->code;
    g_queue_pop_head(&handle->jobs);
    pass_turn_locked(worker, handle, job);
    if (handle->closed && handle->jobs.length == 0) {
        scd_job_queue_free_locked(handle);
        worker->unused_since = g_get_monotonic_time();
    }

    g_mutex_unlock(&worker->lock);
    if (cancelled)
        scd_job_unref(job);
    else
        scd_job_finish(job, job->code);
    g_mutex_lock(&worker->lock);
}

static void
revoke_in_worker(ScdWorker *worker)
{
    ScdJobQueue *handle = worker->run_queue.holder;

    g_mutex_unlock(&worker->lock);
    scd_card_handle_revoke_in_worker(&handle->card);
    g_mutex_lock(&worker->lock);
    worker->run_queue.holder = NULL;
    scd_job_queue_schedule_locked(handle);
    if (handle->taken)
        scd_main_thread_invoke(handle->taken, g_atomic_rc_box_acquire(handle->taken_data),
                               (GDestroyNotify)g_atomic_rc_box_release);
}

/* The worker may have been freed before the main thread hears of this. */
typedef struct {
    ScdWorkerOptions options;
    char *reader;
} IdleNote;

static gboolean
tell_idle(gpointer data)
{
    IdleNote *note = data;
    note->options.idle(note->reader, note->options.data);
    return G_SOURCE_REMOVE;
}

static void
free_note(gpointer data)
{
    IdleNote *note = data;
    g_free(note->reader);
    g_free(note);
}

/* When nobody has a handle, or no more for a while. */
static void
care_for_idleness_in_worker(ScdWorker *worker, gint64 now, gint64 *wait_until)
{
    if (worker->handles->len > 0 || worker->unused_since == 0)
        return;
    if (now >= worker->unused_since + LINGER_US) {
        worker->unused_since = 0;
        IdleNote *note = g_new(IdleNote, 1);
        note->options = worker->options;
        note->reader = g_strdup(worker->reader);
        scd_main_thread_invoke(tell_idle, note, free_note);
        return;
    }
    *wait_until = MIN(*wait_until, worker->unused_since + LINGER_US);
}

/* Who closed its session, or hung up, is hung up on as soon as what was under way is answered. */
static void
drop_channels_that_are_over_locked(ScdJobQueue *handle)
{
    while (handle->channel && !scd_channel_has_jobs(handle->channel) &&
           (handle->closed || scd_channel_has_ended(handle->channel))) {
        scd_channel_free(handle->channel);
        handle->channel = g_steal_pointer(&handle->next_channel);
    }
}

static void
choose_what_to_poll_locked(ScdWorker *worker)
{
    const struct pollfd wake = {.fd = worker->wake_fd, .events = POLLIN};

    g_array_set_size(worker->polled, 0);
    g_ptr_array_set_size(worker->speakers, 0);
    g_array_append_val(worker->polled, wake);
    for (guint i = 0; i < worker->handles->len; i++) {
        ScdJobQueue *handle = worker->handles->pdata[i];
        drop_channels_that_are_over_locked(handle);
        short events = handle->channel && !handle->closed ? scd_channel_events(handle->channel) : 0;
        if (events == 0)
            continue;
        struct pollfd channel = {.fd = scd_channel_fd(handle->channel), .events = events};
        g_array_append_val(worker->polled, channel);
        g_ptr_array_add(worker->speakers, handle);
    }
}

static void
serve_channels_locked(ScdWorker *worker)
{
    for (guint i = 0; i < worker->speakers->len; i++) {
        ScdJobQueue *handle = worker->speakers->pdata[i];
        short events = g_array_index(worker->polled, struct pollfd, i + 1).revents;
        if (handle->closed) /* by the main thread, while we polled: its last job is there */
            continue;
        g_ptr_array_set_size(worker->received, 0);
        scd_channel_serve_in_worker(handle->channel, events, worker->packets, worker->received);
        for (guint n = 0; n < worker->received->len; n++)
            scd_job_queue_append_locked(handle, worker->received->pdata[n]);
    }
}

/*
 * Then nobody is passed over when the next of its requests that were received is carried out. The
 * one that spoke may have gone since, and a new one, without a channel yet, be in its place.
 */
static gboolean
is_only_speaker_locked(const ScdWorker *worker, const ScdJobQueue *handle)
{
    const GPtrArray *speakers = worker->speakers;

    return speakers->len == 0 || (speakers->len == 1 && speakers->pdata[0] == handle &&
                                  handle->channel && !scd_channel_has_unsent(handle->channel));
}

/* Sleeps until there may be something to do; looks only, when until is not later than now. */
static void
poll_in_worker(ScdWorker *worker, gint64 now, gint64 until)
{
    gint64 time_us = MAX(until - now, 0);
    struct timespec time = {time_us / G_USEC_PER_SEC, time_us % G_USEC_PER_SEC * 1000};
    guint64 count;

    choose_what_to_poll_locked(worker);
    worker->heard = TRUE;
    worker->waiting = time_us > 0;
    g_mutex_unlock(&worker->lock);
    struct pollfd *polled = (struct pollfd *)worker->polled->data;
    if (ppoll(polled, worker->polled->len, until == NEVER ? NULL : &time, NULL) > 0 &&
        polled[0].revents && read(worker->wake_fd, &count, sizeof count) < 0)
        g_warning("A worker's descriptor is broken: %s", g_strerror(errno));
    g_mutex_lock(&worker->lock);
    worker->waiting = FALSE;
    serve_channels_locked(worker);
}

static gpointer
run_in_worker(gpointer data)
{
    ScdWorker *worker = data;

    worker->place.buffer = g_malloc(SCD_PCSC_BUFFER_SIZE);
    worker->packets = g_malloc(SCD_CHANNEL_BUFFER);
    worker->received = g_ptr_array_new();
    worker->polled = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    worker->speakers = g_ptr_array_new();
    worker->unused_since = g_get_monotonic_time();
    g_mutex_lock(&worker->lock);
    while (TRUE) {
        gint64 now = g_get_monotonic_time();
        gint64 wait_until;
        ScdJobQueue *handle = choose_locked(worker, now, &wait_until);

        if (handle && worker->heard) {
            worker->heard = is_only_speaker_locked(worker, handle);
            run_job_in_worker(worker, handle);
        } else if (handle)
            poll_in_worker(worker, now, now); /* who speaks on a channel waits in the same line */
        else if (is_hogged_locked(worker, now, &wait_until))
            revoke_in_worker(worker);
        else if (worker->stopped)
            break;
        else {
            care_for_idleness_in_worker(worker, now, &wait_until);
            poll_in_worker(worker, now, wait_until);
        }
    }
    g_mutex_unlock(&worker->lock);
    release_context_in_worker(worker);
    g_free(worker->place.buffer);
    g_free(worker->packets);
    g_ptr_array_unref(worker->received);
    g_array_unref(worker->polled);
    g_ptr_array_unref(worker->speakers);

    g_mutex_lock(&worker->lock);
    worker->ended = TRUE;
    g_cond_broadcast(&worker->ended_cond);
    g_mutex_unlock(&worker->lock);
    return NULL;
}

ScdWorker *
scd_worker_new(const char *reader, const ScdWorkerOptions *options, GError **error)
{
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "No descriptor: %s",
                    g_strerror(errno));
        return NULL;
    }
    ScdWorker *worker = g_new0(ScdWorker, 1);
    worker->options = *options;
    worker->reader = g_strdup(reader);
    worker->wake_fd = wake_fd;
    g_mutex_init(&worker->lock);
    g_cond_init(&worker->ended_cond);
    worker->handles = g_ptr_array_new();
    scd_run_queue_init(&worker->run_queue);
    worker->place.reader = worker->reader;
    worker->thread = g_thread_new("worker", run_in_worker, worker);
    return worker;
}

const char *
scd_worker_reader(const ScdWorker *worker)
{
    return worker->reader;
}

gboolean
scd_worker_is_in_use(ScdWorker *worker)
{
    g_mutex_lock(&worker->lock);
    gboolean in_use = worker->handles->len > 0;
    g_mutex_unlock(&worker->lock);
    return in_use;
}

void
scd_worker_card_removed(ScdWorker *worker)
{
    g_mutex_lock(&worker->lock);
    ScdJobQueue *holder = worker->run_queue.holder;
    if (holder) {
        g_atomic_int_set(&holder->card.depth, 0);
        worker->run_queue.holder = NULL;
        scd_job_queue_schedule_locked(holder);
        scd_worker_wake_locked(worker);
    }
    g_mutex_unlock(&worker->lock);
}

void
scd_worker_stop(ScdWorker *worker)
{
    g_mutex_lock(&worker->lock);
    worker->stopped = TRUE;
    scd_worker_wake_locked(worker);
    g_mutex_unlock(&worker->lock);
}

gboolean
scd_worker_free(ScdWorker *worker, gint64 until)
{
    g_mutex_lock(&worker->lock);
    g_assert(worker->stopped);
    while (!worker->ended)
        if (!g_cond_wait_until(&worker->ended_cond, &worker->lock, until))
            break;
    gboolean ended = worker->ended;
    g_mutex_unlock(&worker->lock);
    if (!ended)
        return FALSE;

    g_thread_join(worker->thread);
    g_assert(worker->handles->len == 0);
    g_ptr_array_unref(worker->handles);
    scd_run_queue_clear(&worker->run_queue);
    g_mutex_clear(&worker->lock);
    g_cond_clear(&worker->ended_cond);
    close(worker->wake_fd);
    g_free(worker->reader);
    g_free(worker);
    return TRUE;
}
