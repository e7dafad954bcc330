/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/worker.h"

#include <winscard.h>

#include "base/error.h"
#include "pcsc/card-place.h"
#include "pcsc/channel-poll.h"
#include "pcsc/code.h"
#include "pcsc/context.h"
#include "pcsc/descriptors.h"
#include "pcsc/main-thread.h"

/* How long the thread and its context outlive the last queue: shells make call after call. */
#define LINGER_US (2 * G_USEC_PER_SEC)

/* pcscd does not announce resets: how often the handles are checked for those of other programs. */
#define RESET_CHECK_US G_USEC_PER_SEC

/* The wake-up, and the socket of the context. */
#define WORKER_DESCRIPTORS 2

struct ScdWorker {
    ScdWorkerOptions options;
    char *reader;
    GThread *thread;
    ScdQueueGroup *group;
    ScdChannelPoll *poll;

    GMutex *lock; /* the group's; also of the rest of this paragraph */
    GCond ended_cond;
    gboolean stopped;
    gboolean ended;

    /* The thread's own. */
    ScdCardPlace place;
    gboolean lost; /* the connection to pcscd */
    gint64 resets_checked_at;
    gint64 unused_since; /* when the last queue went; 0 when idle() was called for that */
};

/* The queue whose first job is to be carried out now; or NULL, and *until is lowered. */
static ScdJobQueue *
choose_locked(ScdWorker *worker, gint64 now, gint64 *until)
{
    ScdJobQueue *queue = scd_queue_group_next_locked(worker->group, TRUE);

    if (!queue || worker->stopped || !scd_job_queue_needs_card_locked(queue))
        return queue;
    const ScdJob *job = scd_job_queue_first_locked(queue);
    gboolean begins = job->kind == SCD_JOB_BEGIN && job->wait_until != SCD_JOB_NO_WAIT;
    gint64 try_at = scd_contention_retry_at(&worker->group->contention, begins);
    if (now >= try_at)
        return queue;
    *until = MIN(*until, try_at);
    return scd_queue_group_next_locked(worker->group, FALSE);
}

static void
release_context_in_worker(ScdWorker *worker)
{
    if (worker->place.context)
        scd_pcsc_release(worker->place.context);
    worker->place.context = 0;
    worker->lost = FALSE;
}

/* Any handle that is connected; NULL for none. They change in this thread alone. */
static const ScdCardHandle *
find_connected_in_worker(ScdWorker *worker)
{
    g_mutex_lock(worker->lock);
    const GList *connected = scd_queue_group_connected_locked(worker->group);
    g_mutex_unlock(worker->lock);
    return connected ? scd_job_queue_card(connected->data) : NULL;
}

/*
 * A connection to pcscd that is lost never comes back. The handles on it stay
 * dead; without any there may be a new one.
 */
static guint32
ensure_context_in_worker(ScdWorker *worker)
{
    if (worker->lost && !find_connected_in_worker(worker))
        release_context_in_worker(worker);
    if (worker->place.context)
        return SCARD_S_SUCCESS;
    guint32 code = scd_pcsc_establish(&worker->place.context);
    if (code != SCARD_S_SUCCESS && !scd_descriptors_are_left(1))
        return SCARD_E_NO_MEMORY;
    return code;
}

static gboolean
is_shared_in_worker(ScdWorker *worker)
{
    g_mutex_lock(worker->lock);
    gboolean shared = scd_queue_group_count_connected_locked(worker->group) > 1;
    g_mutex_unlock(worker->lock);
    return shared;
}

static ScdOutcome
use_card_in_worker(ScdWorker *worker, ScdCardHandle *card, ScdJob *job)
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
        if (!other)
            scd_card_clean_in_worker(&worker->place);
    } else if (job->kind == SCD_JOB_DISCONNECT) {
        worker->place.shared = is_shared_in_worker(worker);
    }
    ScdOutcome outcome = scd_card_handle_do_in_worker(card, &worker->place, job);
    job->code = scd_code_to_known(job->code);
    if (job->code == SCARD_W_RESET_CARD && !card->reset)
        worker->place.reset = TRUE;
    /* For a connect, this code means that pcscd's polkit refuses the service the card. */
    if (!job->refused && scd_code_is_connection_lost(job->code) &&
        !(job->kind == SCD_JOB_CONNECT && job->code == SCARD_W_SECURITY_VIOLATION)) {
        worker->lost = TRUE;
        if (job->finds_cause)
            job->code = SCARD_E_NO_SERVICE;
    }
    if (job->finds_cause && scd_code_is_reader_gone(job->code) && job->kind != SCD_JOB_CONNECT)
        job->code = SCARD_E_READER_UNAVAILABLE;
    return outcome;
}

/*
 * While another program holds the card, a look at it comes first: a job that is given up during
 * the look was certainly not sent.
 */
static gboolean
is_held_up_in_worker(ScdWorker *worker, ScdJobQueue *queue, const ScdJob *job)
{
    return scd_contention_is_busy(&worker->group->contention) &&
           (scd_job_is_command(job) || job->kind == SCD_JOB_BEGIN ||
            job->kind == SCD_JOB_RECONNECT) &&
           scd_card_handle_is_held_up_in_worker(scd_job_queue_card(queue));
}

static ScdOutcome
carry_out_in_worker(ScdWorker *worker, ScdJobQueue *queue, ScdJob *job)
{
    guint32 last_code = scd_job_queue_last_code(queue);

    if (job->refused)
        job->code = job->refused;
    else if (job->chained && last_code != SCARD_S_SUCCESS)
        job->code = last_code;
    else if (is_held_up_in_worker(worker, queue, job)) {
        job->code = SCARD_E_SHARING_VIOLATION;
        return SCD_OUTCOME_BUSY;
    } else {
        scd_job_set_sent_in_worker(job, TRUE);
        /* In this order: a job that was answered as "not sent" is not sent. */
        if (job->kind != SCD_JOB_DISCONNECT && scd_job_is_answered(job)) {
            job->code = SCARD_E_CANCELLED;
            return SCD_OUTCOME_DONE;
        }
        return use_card_in_worker(worker, scd_job_queue_card(queue), job);
    }
    return SCD_OUTCOME_DONE;
}

/*
 * Returns FALSE if the job is to be tried again. A disconnect that waits for another program leaves
 * the card as it is when the worker stops.
 */
static gboolean
put_back_in_worker(ScdWorker *worker, ScdJobQueue *queue, ScdJob *job, ScdOutcome outcome)
{
    g_mutex_lock(worker->lock);
    gboolean stopped = worker->stopped;
    gint64 now = g_get_monotonic_time();
    gboolean put_back = !(stopped && job->kind == SCD_JOB_DISCONNECT) &&
                        scd_job_queue_put_back_locked(queue, job, now, !stopped);
    if (put_back && outcome == SCD_OUTCOME_BUSY)
        scd_contention_busy(&worker->group->contention, now);
    if (outcome == SCD_OUTCOME_BUSY && job->kind != SCD_JOB_DISCONNECT)
        scd_card_place_note_other_program(&worker->place);
    g_mutex_unlock(worker->lock);

    if (!put_back && job->kind == SCD_JOB_DISCONNECT) {
        job->action = SCARD_LEAVE_CARD;
        use_card_in_worker(worker, scd_job_queue_card(queue), job);
    }
    return put_back;
}

/* Answers the job, or undoes it if it has been answered or its client has left. */
static void
answer_in_worker(ScdJobQueue *queue, ScdJob *job, ScdOutcome outcome)
{
    gboolean wanted = scd_job_claim(job, job->code);

    if (wanted)
        scd_job_deliver(job);
    if (wanted && job->answered_in_worker)
        wanted = !scd_channel_has_ended(scd_job_queue_channel(queue));
    if (wanted)
        return;
    if (outcome == SCD_OUTCOME_DONE)
        scd_card_handle_undo_in_worker(scd_job_queue_card(queue), job);
    job->code = SCARD_E_CANCELLED;
}

static void
finish_locked(ScdWorker *worker, ScdJobQueue *queue, ScdJob *job)
{
    gint64 now = g_get_monotonic_time();

    if (scd_job_was_sent(job) && scd_job_needs_card(job))
        scd_contention_free(&worker->group->contention);
    if (job->answered_in_worker && scd_channel_has_ended(scd_job_queue_channel(queue)))
        scd_job_queue_refuse_channel_locked(queue, SCARD_E_CANCELLED);
    scd_job_queue_finish_locked(queue, job, now);
    if (scd_queue_group_is_empty_locked(worker->group))
        worker->unused_since = now;
}

/* The oldest connection that has to know of resets sees all that the others see. */
static ScdJobQueue *
find_reset_listener_locked(const ScdWorker *worker)
{
    const GList *link = scd_queue_group_connected_locked(worker->group);

    while (link && !scd_job_queue_wants_resets_locked(link->data))
        link = link->next;
    return link ? link->data : NULL;
}

/* Called and returns with the lock, and releases it meanwhile. */
static void
report_resets_in_worker(ScdWorker *worker)
{
    const GList *link = scd_queue_group_connected_locked(worker->group);

    worker->place.reset = FALSE;
    for (; link; link = link->next) {
        if (!scd_job_queue_wants_resets_locked(link->data))
            continue;
        g_mutex_unlock(worker->lock);
        gboolean was_reset =
            scd_card_handle_was_reset_in_worker(scd_job_queue_card(link->data), &worker->place);
        g_mutex_lock(worker->lock);
        if (was_reset)
            scd_job_queue_report_reset_locked(link->data);
    }
}

/*
 * Checks for a reset by another program; or lowers *until to when it is time. There can be none
 * during a transaction. Called and returns with the lock, and releases it meanwhile. Returns TRUE
 * after a check.
 */
static gboolean
check_resets_in_worker(ScdWorker *worker, gint64 now, gint64 *until)
{
    ScdJobQueue *listener = find_reset_listener_locked(worker);

    if (!listener || scd_queue_group_holder_locked(worker->group) ||
        scd_job_queue_card(listener)->exclusive || worker->lost)
        return FALSE;
    if (now < worker->resets_checked_at + RESET_CHECK_US) {
        *until = MIN(*until, worker->resets_checked_at + RESET_CHECK_US);
        return FALSE;
    }
    worker->resets_checked_at = now;
    g_mutex_unlock(worker->lock);
    gboolean was_reset =
        scd_card_handle_was_reset_in_worker(scd_job_queue_card(listener), &worker->place);
    g_mutex_lock(worker->lock);
    if (was_reset) {
        scd_card_place_note_other_program(&worker->place);
        report_resets_in_worker(worker);
    }
    return TRUE;
}

/* Called and returns with the lock, and releases it meanwhile. */
static void
run_job_in_worker(ScdWorker *worker, ScdJobQueue *queue, gint64 now)
{
    GQueue answers = G_QUEUE_INIT;
    ScdJob *job = scd_job_queue_take_locked(queue, now);

    scd_queue_group_end_unwaiting_locked(worker->group, &answers);
    g_mutex_unlock(worker->lock);
    scd_job_answers_deliver(&answers);
    ScdOutcome outcome = carry_out_in_worker(worker, queue, job);
    if (outcome != SCD_OUTCOME_DONE && put_back_in_worker(worker, queue, job, outcome)) {
        g_mutex_lock(worker->lock);
        return;
    }
    scd_queue_group_turn_ends_in_worker(worker->group);
    answer_in_worker(queue, job, outcome);
    g_mutex_lock(worker->lock);
    finish_locked(worker, queue, job);
    g_mutex_unlock(worker->lock);
    scd_job_unref(job);
    g_mutex_lock(worker->lock);
    if (worker->place.reset)
        report_resets_in_worker(worker);
}

/* As above. */
static void
revoke_in_worker(ScdWorker *worker, ScdJobQueue *holder)
{
    g_mutex_unlock(worker->lock);
    scd_card_handle_revoke_in_worker(scd_job_queue_card(holder), &worker->place);
    g_mutex_lock(worker->lock);
    scd_contention_end(&worker->group->contention, g_get_monotonic_time());
    scd_job_queue_transaction_taken_locked(holder);
    scd_card_place_note_other_program(&worker->place);
    report_resets_in_worker(worker);
}

/* The transaction may have begun with the next card: the main thread learns of a removal later. */
static void
check_removal_in_worker(ScdWorker *worker)
{
    ScdJobQueue *holder = scd_queue_group_take_removal_locked(worker->group);

    if (!holder)
        return;
    g_mutex_unlock(worker->lock);
    guint32 code = scd_card_check_access_in_worker(scd_job_queue_card(holder)->card);
    g_mutex_lock(worker->lock);
    if (code == SCARD_W_REMOVED_CARD)
        scd_job_queue_card_removed_locked(holder);
}

/* Between the commands of a script. */
static gboolean
may_go_on(gpointer data)
{
    ScdWorker *worker = data;
    gint64 until = SCD_JOB_NO_LIMIT;

    g_mutex_lock(worker->lock);
    gboolean overdue = scd_queue_group_overdue_holder_locked(worker->group, g_get_monotonic_time(),
                                                             &until) != NULL;
    const ScdSchedulerEntry *turn = worker->group->turn;
    gboolean held = turn && scd_job_queue_card(turn->owner)->held;
    g_mutex_unlock(worker->lock);
    return !overdue && !held;
}

static void
await_answer(const ScdJob *job, gint64 until, gpointer data)
{
    ScdWorker *worker = data;
    g_mutex_lock(&worker->group->lock);
    while (!scd_job_is_answered(job))
        if (!g_cond_wait_until(&worker->group->answered, &worker->group->lock, until))
            break;
    g_mutex_unlock(&worker->group->lock);
}

/* The worker may have been freed before the main thread receives this. */
typedef struct {
    ScdWorkerOptions options;
    char *reader;
} ScdIdleNote;

static gboolean
report_idle(gpointer data)
{
    ScdIdleNote *note = data;
    note->options.idle(note->reader, note->options.data);
    return G_SOURCE_REMOVE;
}

static void
free_note(gpointer data)
{
    ScdIdleNote *note = data;
    g_free(note->reader);
    g_free(note);
}

/* Reports that there has been no queue for a while; or lowers *until to when there will. */
static void
check_idleness_locked(ScdWorker *worker, gint64 now, gint64 *until)
{
    if (!scd_queue_group_is_empty_locked(worker->group) || worker->unused_since == 0)
        return;
    if (now < worker->unused_since + LINGER_US) {
        *until = MIN(*until, worker->unused_since + LINGER_US);
        return;
    }
    worker->unused_since = 0;
    ScdIdleNote *note = g_new(ScdIdleNote, 1);
    note->options = worker->options;
    note->reader = g_strdup(worker->reader);
    scd_main_thread_invoke(report_idle, note, free_note);
}

static gboolean
deliver_in_worker(ScdWorker *worker, GQueue *answers)
{
    if (answers->length == 0)
        return FALSE;
    g_mutex_unlock(worker->lock);
    scd_job_answers_deliver(answers);
    g_mutex_lock(worker->lock);
    return TRUE;
}

/* No job can be carried out now. */
static void
wait_in_worker(ScdWorker *worker, gint64 now, gint64 until)
{
    GQueue answers = G_QUEUE_INIT;

    scd_queue_group_end_unwaiting_locked(worker->group, &answers);
    if (deliver_in_worker(worker, &answers))
        return;
    if (check_resets_in_worker(worker, now, &until))
        return;
    check_idleness_locked(worker, now, &until);
    scd_channel_poll_wait_in_worker(worker->poll, worker->group, now, until);
}

/* One step. Returns FALSE when there is nothing left to do, ever. */
static gboolean
step_in_worker(ScdWorker *worker)
{
    check_removal_in_worker(worker);
    gint64 now = g_get_monotonic_time();
    GQueue answers = G_QUEUE_INIT;
    gint64 until = scd_queue_group_settle_in_worker_locked(worker->group, now, &answers);

    if (deliver_in_worker(worker, &answers))
        return TRUE;
    ScdJobQueue *overdue = scd_queue_group_overdue_holder_locked(worker->group, now, &until);
    if (overdue) {
        revoke_in_worker(worker, overdue);
        return TRUE;
    }
    ScdJobQueue *queue = choose_locked(worker, now, &until);
    if (queue && scd_channel_poll_may_run_locked(worker->poll, worker->group, queue))
        run_job_in_worker(worker, queue, now);
    else if (queue)
        scd_channel_poll_wait_in_worker(worker->poll, worker->group, now, now);
    else if (worker->stopped && scd_queue_group_is_empty_locked(worker->group))
        return FALSE;
    else
        wait_in_worker(worker, now, until);
    return TRUE;
}

static gpointer
run_in_worker(gpointer data)
{
    ScdWorker *worker = data;

    /* Zero whenever it is not in use: a length may be wrong. */
    worker->place.buffer = g_malloc0(SCD_PCSC_BUFFER_SIZE);
    worker->unused_since = g_get_monotonic_time();
    g_mutex_lock(worker->lock);
    while (step_in_worker(worker))
        ;
    g_mutex_unlock(worker->lock);
    release_context_in_worker(worker);
    g_free(worker->place.buffer);

    g_mutex_lock(worker->lock);
    worker->ended = TRUE;
    g_cond_broadcast(&worker->ended_cond);
    g_mutex_unlock(worker->lock);
    return NULL;
}

static void
free_worker(ScdWorker *worker)
{
    scd_queue_group_free(worker->group);
    scd_channel_poll_free(worker->poll);
    g_cond_clear(&worker->ended_cond);
    g_free(worker->reader);
    g_free(worker);
}

static void
set_error_of_limit(const char *reader, GError **error)
{
    g_set_error(error, SCD_ERROR, SCD_LIMITS_EXCEEDED,
                "Reader '%s': the service has no file descriptor or thread left for it: close some "
                "sessions, or raise LimitNOFILE= and TasksMax= of smartcardd.service",
                reader);
}

ScdWorker *
scd_worker_new(const char *reader, const ScdWorkerOptions *options, GError **error)
{
    /* The second one is for the context, which the thread establishes. */
    ScdChannelPoll *poll =
        scd_descriptors_are_left(WORKER_DESCRIPTORS) ? scd_channel_poll_new() : NULL;
    if (!poll) {
        set_error_of_limit(reader, error);
        return NULL;
    }
    ScdWorker *worker = g_new0(ScdWorker, 1);
    const ScdQueueGroupOptions group_options = {
        .wake = scd_channel_poll_wake_locked,
        .wake_data = poll,
        .limit_set = options->limit_set,
        .limit_data = options->data,
        .transaction_idle_limit_ms = options->transaction_idle_limit_ms,
        .transaction_total_limit_ms = options->transaction_total_limit_ms,
    };
    worker->options = *options;
    worker->reader = g_strdup(reader);
    worker->poll = poll;
    worker->group = scd_queue_group_new(&group_options);
    worker->lock = &worker->group->lock;
    g_cond_init(&worker->ended_cond);
    worker->place.reader = worker->reader;
    worker->place.may_go_on = may_go_on;
    worker->place.await_answer = await_answer;
    worker->place.data = worker;
    worker->thread = g_thread_try_new("worker", run_in_worker, worker, NULL);
    if (worker->thread)
        return worker;
    free_worker(worker);
    set_error_of_limit(reader, error);
    return NULL;
}

const char *
scd_worker_reader(const ScdWorker *worker)
{
    return worker->reader;
}

ScdQueueGroup *
scd_worker_group(const ScdWorker *worker)
{
    return worker->group;
}

guint
scd_worker_count_queues(ScdWorker *worker)
{
    g_mutex_lock(worker->lock);
    guint count = worker->group->lists[SCD_LIST_ALL].length;
    g_mutex_unlock(worker->lock);
    return count;
}

void
scd_worker_card_removed(ScdWorker *worker)
{
    g_mutex_lock(worker->lock);
    worker->group->card_removed = TRUE;
    scd_channel_poll_wake_locked(FALSE, worker->poll);
    g_mutex_unlock(worker->lock);
}

void
scd_worker_stop(ScdWorker *worker)
{
    g_mutex_lock(worker->lock);
    worker->stopped = TRUE;
    scd_channel_poll_wake_locked(FALSE, worker->poll);
    g_mutex_unlock(worker->lock);
}

gboolean
scd_worker_free(ScdWorker *worker, gint64 until)
{
    g_mutex_lock(worker->lock);
    g_assert(worker->stopped);
    while (!worker->ended)
        if (!g_cond_wait_until(&worker->ended_cond, worker->lock, until))
            break;
    gboolean ended = worker->ended;
    g_mutex_unlock(worker->lock);
    if (!ended)
        return FALSE;

    g_thread_join(worker->thread);
    free_worker(worker);
    return TRUE;
}
