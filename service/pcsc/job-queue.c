/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/job-queue.h"

#include <winscard.h>

#include "pcsc/main-thread.h"

/* Limits that follow each other more closely are looked up together. */
#define EXPIRE_INTERVAL_US (5 * G_TIME_SPAN_MILLISECOND)

struct ScdJobQueue {
    ScdQueueGroup *group;
    ScdSchedulerEntry entry;
    GQueue jobs;     /* of ScdJob, QUEUED */
    ScdJob *running; /* the worker's; NULL for none */
    gboolean closed; /* the last job is in the queue */
    gboolean hurry;  /* the last job, or one that was put back, is to be the next one */
    ScdQueuePlaces places;
    ScdChannels channels;
    ScdCardHandle card;
    guint32 last_code;        /* of the job before */
    ScdJobQueueEvents events; /* the functions are NULL for none */
    gpointer events_data;
    GDestroyNotify destroyed;
    gpointer destroyed_data;
};

static void
set_listed_locked(ScdJobQueue *queue, ScdQueueList list, gboolean is_in)
{
    scd_queue_group_list_locked(queue->group, list, &queue->places, is_in);
}

const ScdJob *
scd_job_queue_first_locked(const ScdJobQueue *queue)
{
    return g_queue_peek_head((GQueue *)&queue->jobs);
}

gboolean
scd_job_queue_needs_card_locked(const ScdJobQueue *queue)
{
    const ScdJob *job = scd_job_queue_first_locked(queue);

    if (job->chained && queue->last_code != SCARD_S_SUCCESS)
        return FALSE;
    if (queue->card.loss == SCD_CARD_LOST_FOR_EVER ||
        (job->kind == SCD_JOB_DISCONNECT && !g_atomic_int_get(&queue->card.connected)))
        return FALSE;
    return scd_job_needs_card(job);
}

/* Jobs of a channel wait while the client leaves answers unread. */
static gboolean
can_be_carried_out_locked(const ScdJobQueue *queue)
{
    const ScdJob *job = scd_job_queue_first_locked(queue);
    gboolean ends = queue->closed || queue->card.loss == SCD_CARD_LOST_FOR_EVER;

    if (queue->card.held && !ends && job && !job->refused)
        return FALSE;
    return job && (!job->answered_in_worker || job->refused ||
                   scd_channel_has_room(queue->channels.current));
}

/* After each change of the first job. */
void
scd_job_queue_schedule_locked(ScdJobQueue *queue)
{
    ScdQueueGroup *group = queue->group;

    if (queue->running)
        return;
    if (can_be_carried_out_locked(queue)) {
        const ScdJob *job = scd_job_queue_first_locked(queue);
        gboolean last = job->kind == SCD_JOB_DISCONNECT;
        gboolean first = (queue->hurry && (last || !queue->closed)) || job->chained;
        scd_queue_group_wait_locked(group, &queue->entry, scd_job_queue_needs_card_locked(queue),
                                    first);
        if (first)
            queue->hurry = FALSE;
    } else {
        scd_queue_group_rest_locked(group, &queue->entry);
    }
}

ScdJobQueue *
scd_job_queue_new(ScdQueueGroup *group, guint32 uid, GDestroyNotify destroyed, gpointer data)
{
    ScdJobQueue *queue = g_new0(ScdJobQueue, 1);
    queue->group = group;
    queue->destroyed = destroyed;
    queue->destroyed_data = data;
    g_queue_init(&queue->jobs);
    scd_queue_places_init(&queue->places, queue);
    g_mutex_lock(&group->lock);
    set_listed_locked(queue, SCD_LIST_ALL, TRUE);
    scd_scheduler_add(&group->scheduler, &queue->entry, uid, queue);
    g_mutex_unlock(&group->lock);
    return queue;
}

static void
free_queue_locked(ScdJobQueue *queue)
{
    ScdQueueGroup *group = queue->group;

    g_assert(queue->closed && queue->jobs.length == 0 && !queue->running);
    scd_queue_group_remove_locked(group, &queue->entry);
    for (guint i = 0; i < SCD_N_LISTS; i++)
        set_listed_locked(queue, i, FALSE);
    scd_channels_clear(&queue->channels);
    g_clear_pointer(&queue->events_data, g_atomic_rc_box_release);
    g_clear_pointer(&queue->card.atr, g_bytes_unref);
    if (queue->destroyed)
        queue->destroyed(queue->destroyed_data);
    g_free(queue);
}

/* Answers. */

static void
refuse_locked(ScdJobQueue *queue, ScdJob *job, guint32 code)
{
    if (!job->refused)
        job->refused = code;
    set_listed_locked(queue, SCD_LIST_REFUSING, TRUE);
}

/*
 * Ends a QUEUED job without its being carried out. A disconnect is answered only: it remains to be
 * done. One that is answered in the worker stays in its place until the worker settles it.
 */
static void
end_queued_locked(ScdJobQueue *queue, GList *link, guint32 code, GQueue *answers)
{
    ScdJob *job = link->data;

    if (job->kind == SCD_JOB_DISCONNECT) {
        scd_job_answers_add(answers, scd_job_ref(job), code);
    } else if (job->answered_in_worker) {
        refuse_locked(queue, job, code);
    } else {
        if (link == queue->jobs.head && !queue->running)
            queue->last_code = code; /* for a chained job behind it */
        g_queue_delete_link(&queue->jobs, link);
        scd_job_set_state(job, SCD_JOB_QUEUED, SCD_JOB_DONE);
        scd_job_answers_add(answers, job, code);
    }
}

/* The worker's job is answered, and stays the worker's. */
static void
answer_running_locked(ScdJobQueue *queue, guint32 code, GQueue *answers)
{
    if (!queue->running || queue->running->answered_in_worker)
        return;
    scd_job_answers_add(answers, scd_job_ref(queue->running), code);
    g_cond_broadcast(&queue->group->answered);
}

/* Submitting. */

void
scd_job_queue_append_locked(ScdJobQueue *queue, ScdJob *job, GQueue *answers)
{
    ScdQueueGroup *group = queue->group;

    scd_job_set_state(job, SCD_JOB_NEW, SCD_JOB_QUEUED);
    g_queue_push_tail(&queue->jobs, job);
    gboolean has_to_wait = scd_queue_group_is_busy_locked(group) || queue->jobs.length > 1;
    group->expires_at = MIN(group->expires_at, scd_job_limit(job));
    if (job->refused && job->answered_in_worker)
        refuse_locked(queue, job, job->refused);
    else if (job->wait_until == SCD_JOB_NO_WAIT && has_to_wait)
        end_queued_locked(queue, queue->jobs.tail, SCARD_E_TIMEOUT, answers);
    else if (job->wait_until == SCD_JOB_NO_WAIT)
        set_listed_locked(queue, SCD_LIST_UNWAITING, TRUE);
    scd_job_queue_schedule_locked(queue);
    group->options.wake(FALSE, group->options.wake_data);
}

void
scd_job_queue_submit(ScdJobQueue *queue, ScdJob *job)
{
    ScdQueueGroup *group = queue->group;
    gint64 limit = scd_job_limit(job);
    GQueue answers = G_QUEUE_INIT;

    g_assert(!job->answered_in_worker);
    g_mutex_lock(&group->lock);
    g_assert(!queue->closed);
    scd_job_queue_append_locked(queue, job, &answers);
    g_mutex_unlock(&group->lock);
    scd_queue_group_set_limit(group, limit);
    scd_job_answers_deliver(&answers);
}

void
scd_job_queue_cancel(ScdJobQueue *queue, ScdJob *job, guint32 code)
{
    ScdQueueGroup *group = queue->group;
    GQueue answers = G_QUEUE_INIT;

    g_assert(!job->answered_in_worker && job->kind != SCD_JOB_DISCONNECT);
    g_mutex_lock(&group->lock);
    if (queue->running == job) {
        answer_running_locked(queue, code, &answers);
    } else if (scd_job_state(job) == SCD_JOB_QUEUED) {
        end_queued_locked(queue, g_queue_find(&queue->jobs, job), code, &answers);
        scd_job_queue_schedule_locked(queue);
        group->options.wake(FALSE, group->options.wake_data);
    }
    g_mutex_unlock(&group->lock);
    scd_job_answers_deliver(&answers);
}

void
scd_job_queue_close(ScdJobQueue *queue, ScdJob *disconnect, guint32 code)
{
    ScdQueueGroup *group = queue->group;
    gint64 limit = scd_job_limit(disconnect);
    GQueue answers = G_QUEUE_INIT;

    g_assert(disconnect->kind == SCD_JOB_DISCONNECT);
    g_mutex_lock(&group->lock);
    g_assert(!queue->closed);
    queue->closed = TRUE;
    queue->hurry = TRUE;
    answer_running_locked(queue, code, &answers);
    for (GList *link = queue->jobs.head, *next; link; link = next) {
        next = link->next;
        end_queued_locked(queue, link, code, &answers);
    }
    scd_job_queue_append_locked(queue, disconnect, &answers);
    g_mutex_unlock(&group->lock);
    scd_queue_group_set_limit(group, limit);
    scd_job_answers_deliver(&answers);
}

/* Time limits. */

typedef struct {
    gint64 now;
    gboolean in_worker;
    GQueue *answers;
    gint64 next; /* limit that is not over yet */
} ScdExpiry;

static void
expire_queue_locked(ScdJobQueue *queue, ScdExpiry *expiry)
{
    for (GList *link = queue->jobs.head, *next; link; link = next) {
        ScdJob *job = link->data;
        gint64 limit = scd_job_limit(job);
        next = link->next;
        if (scd_job_is_answered(job) || job->refused)
            continue;
        if (job->answered_in_worker && !expiry->in_worker)
            continue;
        if (scd_job_is_over(limit, expiry->now))
            end_queued_locked(queue, link, SCARD_E_TIMEOUT, expiry->answers);
        else
            expiry->next = MIN(expiry->next, limit);
    }
    const ScdJob *running = queue->running;
    if (running && !running->answered_in_worker && !scd_job_is_answered(running)) {
        if (scd_job_is_over(running->end_by, expiry->now))
            answer_running_locked(queue, SCARD_E_TIMEOUT, expiry->answers);
        else
            expiry->next = MIN(expiry->next, running->end_by);
    }
    scd_job_queue_schedule_locked(queue);
}

static void
expire_locked(ScdQueueGroup *group, ScdExpiry *expiry)
{
    for (GList *link = group->lists[SCD_LIST_ALL].head; link; link = link->next)
        expire_queue_locked(link->data, expiry);
    if (expiry->next != SCD_JOB_NO_LIMIT)
        expiry->next = MAX(expiry->next, expiry->now + EXPIRE_INTERVAL_US);
}

gint64
scd_queue_group_expire(ScdQueueGroup *group, gint64 now, GQueue *answers)
{
    ScdExpiry expiry = {now, FALSE, answers, SCD_JOB_NO_LIMIT};

    g_mutex_lock(&group->lock);
    expire_locked(group, &expiry);
    group->options.wake(FALSE, group->options.wake_data);
    g_mutex_unlock(&group->lock);
    return expiry.next;
}

/* The first jobs of the queue's channel that are refused, up to one that is not. */
static void
collect_refused_locked(ScdJobQueue *queue, GQueue *answers)
{
    gboolean more = FALSE;

    for (GList *link = queue->jobs.head, *next; link; link = next) {
        ScdJob *job = link->data;
        next = link->next;
        if (!job->answered_in_worker)
            continue;
        more = !job->refused;
        if (more)
            break;
        g_queue_delete_link(&queue->jobs, link);
        scd_job_set_state(job, SCD_JOB_QUEUED, SCD_JOB_DONE);
        scd_job_answers_add(answers, job, job->refused);
    }
    if (!more)
        set_listed_locked(queue, SCD_LIST_REFUSING, FALSE);
    scd_job_queue_schedule_locked(queue);
}

gint64
scd_queue_group_settle_in_worker_locked(ScdQueueGroup *group, gint64 now, GQueue *answers)
{
    ScdExpiry expiry = {now, TRUE, answers, SCD_JOB_NO_LIMIT};

    if (now >= group->expires_at) {
        expire_locked(group, &expiry);
        group->expires_at = expiry.next;
    }
    for (GList *link = group->lists[SCD_LIST_REFUSING].head, *next; link; link = next) {
        next = link->next;
        collect_refused_locked(link->data, answers);
    }
    return group->expires_at;
}

void
scd_queue_group_end_unwaiting_locked(ScdQueueGroup *group, GQueue *answers)
{
    while (group->lists[SCD_LIST_UNWAITING].length > 0) {
        ScdJobQueue *queue = g_queue_peek_head(&group->lists[SCD_LIST_UNWAITING]);
        const ScdJob *job = scd_job_queue_first_locked(queue);
        set_listed_locked(queue, SCD_LIST_UNWAITING, FALSE);
        if (!job || job->wait_until != SCD_JOB_NO_WAIT)
            continue;
        end_queued_locked(queue, queue->jobs.head, SCARD_E_TIMEOUT, answers);
        if (queue->places.in[SCD_LIST_REFUSING].is_in)
            collect_refused_locked(queue, answers);
        scd_job_queue_schedule_locked(queue);
    }
}

/* Carrying out. */

ScdJob *
scd_job_queue_take_locked(ScdJobQueue *queue, gint64 now)
{
    ScdJob *job = g_queue_pop_head(&queue->jobs);

    scd_job_set_state(job, SCD_JOB_QUEUED, SCD_JOB_RUNNING);
    if (!job->refused && scd_job_is_over(scd_job_limit(job), now) &&
        job->kind != SCD_JOB_DISCONNECT)
        job->refused = SCARD_E_TIMEOUT;
    scd_job_set_atr(job, queue->card.atr);
    scd_card_handle_copy_loss(&queue->card, job);
    set_listed_locked(queue, SCD_LIST_UNWAITING, FALSE);
    scd_queue_group_begin_turn_locked(queue->group, &queue->entry, now);
    queue->running = job;
    return job;
}

gboolean
scd_job_queue_put_back_locked(ScdJobQueue *queue, ScdJob *job, gint64 now, gboolean patient)
{
    guint32 reason = scd_job_reason_to_give_up(job, now, patient);

    if (reason != 0) {
        job->code = reason;
        return FALSE;
    }
    scd_card_handle_restore_loss(&queue->card, job, FALSE);
    scd_queue_group_end_turn_locked(queue->group, &queue->entry, now);
    queue->running = NULL;
    scd_job_set_sent_in_worker(job, job->outputs.length > 0);
    scd_job_set_state(job, SCD_JOB_RUNNING, SCD_JOB_QUEUED);
    g_queue_push_head(&queue->jobs, job);
    if (queue->closed && job->answered_in_worker)
        refuse_locked(queue, job, SCARD_E_CANCELLED);
    queue->hurry = TRUE; /* it has not had its turn yet */
    queue->group->expires_at = MIN(queue->group->expires_at, scd_job_limit(job));
    scd_job_queue_schedule_locked(queue);
    return TRUE;
}

static void
report_event_locked(ScdJobQueue *queue, GSourceFunc func)
{
    if (func)
        scd_main_thread_invoke(func, g_atomic_rc_box_acquire(queue->events_data),
                               (GDestroyNotify)g_atomic_rc_box_release);
}

void
scd_job_queue_finish_locked(ScdJobQueue *queue, ScdJob *job, gint64 now)
{
    ScdQueueGroup *group = queue->group;

    queue->last_code = job->code;
    scd_card_handle_restore_loss(&queue->card, job, TRUE);
    scd_queue_group_note_holder_locked(group, &queue->entry, scd_job_queue_in_transaction(queue),
                                       scd_job_hold_activity(job), now);
    scd_queue_group_end_turn_locked(group, &queue->entry, now);
    queue->running = NULL;
    if (job->kind == SCD_JOB_RECONNECT && job->code == SCARD_E_CANCELLED && !queue->closed)
        report_event_locked(queue, queue->events.reconnect_undone);
    set_listed_locked(queue, SCD_LIST_CONNECTED, queue->card.connected);
    scd_job_set_state(job, SCD_JOB_RUNNING, SCD_JOB_DONE);
    if (queue->closed && queue->jobs.length == 0)
        free_queue_locked(queue);
    else
        scd_job_queue_schedule_locked(queue);
}

/* Holding. */

void
scd_job_queue_set_held(ScdJobQueue *queue, gboolean held, GBytes *atr)
{
    ScdQueueGroup *group = queue->group;

    g_mutex_lock(&group->lock);
    queue->card.held = held;
    if (!held)
        scd_card_handle_set_atr(&queue->card, atr);
    scd_job_queue_schedule_locked(queue);
    group->options.wake(FALSE, group->options.wake_data);
    g_mutex_unlock(&group->lock);
}

void
scd_job_queue_set_card_lost(ScdJobQueue *queue, gboolean for_ever)
{
    ScdQueueGroup *group = queue->group;

    g_mutex_lock(&group->lock);
    queue->card.loss = for_ever ? SCD_CARD_LOST_FOR_EVER : SCD_CARD_LOST;
    scd_job_queue_schedule_locked(queue);
    group->options.wake(FALSE, group->options.wake_data);
    g_mutex_unlock(&group->lock);
}

/* The transaction. */

ScdJobQueue *
scd_queue_group_overdue_holder_locked(const ScdQueueGroup *group, gint64 now, gint64 *until)
{
    ScdJobQueue *holder = scd_queue_group_holder_locked(group);

    if (!holder)
        return NULL;
    const ScdJob *first = scd_job_queue_first_locked(holder);
    gboolean idle = !holder->running && !(holder->entry.waits && scd_job_is_command(first));
    gint64 end = scd_queue_group_hold_end_locked(group, idle);
    *until = MIN(*until, end);
    return now >= end ? holder : NULL;
}

void
scd_job_queue_transaction_taken_locked(ScdJobQueue *queue)
{
    set_listed_locked(queue, SCD_LIST_CONNECTED, queue->card.connected);
    scd_job_queue_schedule_locked(queue);
    if (scd_queue_group_holder_locked(queue->group) != queue) /* the card was removed meanwhile */
        return;
    scd_queue_group_end_holding_locked(queue->group);
    report_event_locked(queue, queue->events.transaction_taken);
}

void
scd_job_queue_card_removed_locked(ScdJobQueue *holder)
{
    g_atomic_int_set(&holder->card.depth, 0);
    scd_queue_group_end_holding_locked(holder->group);
}

gboolean
scd_job_queue_wants_resets_locked(const ScdJobQueue *queue)
{
    return queue->card.connected && !queue->card.reset && queue->events.card_reset;
}

void
scd_job_queue_report_reset_locked(ScdJobQueue *queue)
{
    queue->card.reset = TRUE;
    report_event_locked(queue, queue->events.card_reset);
}

void
scd_job_queue_on_events(ScdJobQueue *queue, const ScdJobQueueEvents *events, gpointer data)
{
    g_mutex_lock(&queue->group->lock);
    queue->events = *events;
    queue->events_data = data;
    g_mutex_unlock(&queue->group->lock);
}

/* Channels. */

gboolean
scd_job_queue_open_channel(ScdJobQueue *queue, int fd, gboolean finds_cause, ScdUserCharge *charge)
{
    ScdQueueGroup *group = queue->group;

    g_mutex_lock(&group->lock);
    gboolean opened = scd_channels_open(&queue->channels, fd, finds_cause, charge);
    if (opened) {
        set_listed_locked(queue, SCD_LIST_SPEAKERS, TRUE);
        group->options.wake(TRUE, group->options.wake_data);
    }
    g_mutex_unlock(&group->lock);
    return opened;
}

void
scd_job_queue_refuse_channel_locked(ScdJobQueue *queue, guint32 code)
{
    for (GList *link = queue->jobs.head; link; link = link->next)
        if (((ScdJob *)link->data)->answered_in_worker)
            refuse_locked(queue, link->data, code);
    scd_job_queue_schedule_locked(queue);
}

void
scd_job_queue_drop_ended_channel_locked(ScdJobQueue *queue)
{
    scd_channels_drop_ended(&queue->channels, queue->closed);
    set_listed_locked(queue, SCD_LIST_SPEAKERS, queue->channels.current != NULL);
}

/* Properties. */

const GList *
scd_queue_group_connected_locked(const ScdQueueGroup *group)
{
    return group->lists[SCD_LIST_CONNECTED].head;
}

gboolean
scd_job_queue_is_closed_locked(const ScdJobQueue *queue)
{
    return queue->closed;
}

ScdCardHandle *
scd_job_queue_card(ScdJobQueue *queue)
{
    return &queue->card;
}

ScdChannel *
scd_job_queue_channel(const ScdJobQueue *queue)
{
    return queue->channels.current;
}

guint32
scd_job_queue_last_code(const ScdJobQueue *queue)
{
    return queue->last_code;
}

guint
scd_job_queue_protocol(const ScdJobQueue *queue)
{
    return g_atomic_int_get(&queue->card.protocol);
}

guint
scd_job_queue_share_mode(const ScdJobQueue *queue)
{
    return g_atomic_int_get(&queue->card.share_mode);
}

gboolean
scd_job_queue_in_transaction(const ScdJobQueue *queue)
{
    return g_atomic_int_get(&queue->card.depth) > 0;
}
