/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The jobs of one connection to a card (a session's or a one-shot call's), in the
 * order in which they came; and the group of all queues on one reader, from which
 * its worker takes the next job (scheduler.h).
 *
 * The group has one lock, which functions whose names end in _locked are called
 * with. A queue is used from the main thread until it is closed; the worker frees
 * it after its last job.
 */

#include "pcsc/card-handle.h"
#include "pcsc/channel.h"
#include "pcsc/job.h"
#include "pcsc/scheduler.h"

typedef struct ScdJobQueue ScdJobQueue;

/* 1. For the main thread. */

/*
 * uid: the user for whom the card is used, who takes turns with the others. destroyed, if given, is
 * called with the data in the main thread when the queue has been freed.
 */
ScdJobQueue *scd_job_queue_new(ScdQueueGroup *group, guint32 uid, GDestroyNotify destroyed,
                               gpointer data);

/* Takes over the job, a NEW one. Does not block. */
void scd_job_queue_submit(ScdJobQueue *queue, ScdJob *job);

/*
 * Answers a job that was submitted to this queue with the code, unless it has been answered, and
 * keeps it from the card if it is QUEUED. The caller has a reference. Not for SCD_JOB_DISCONNECT
 * and jobs that are answered in the worker.
 */
void scd_job_queue_cancel(ScdJobQueue *queue, ScdJob *job, guint32 code);

/*
 * The last call on a queue. Answers all its jobs with the code; the RUNNING one is undone
 * when libpcsclite has returned. Takes over the last job, of kind SCD_JOB_DISCONNECT.
 */
void scd_job_queue_close(ScdJobQueue *queue, ScdJob *disconnect, guint32 code);

/*
 * Takes over the descriptor and the charge of a channel (channel.h), which ends with the queue.
 * FALSE when there is a channel already whose client has not left: they stay the caller's.
 */
gboolean scd_job_queue_open_channel(ScdJobQueue *queue, int fd, ScdUserCharge *charge);

/*
 * func is called in the main thread each time a transaction of the queue was ended because it
 * kept others waiting. data: from g_atomic_rc_box_new(); taken over, and released with the queue.
 */
void scd_job_queue_on_transaction_taken(ScdJobQueue *queue, GSourceFunc func, gpointer data);

/*
 * held: jobs wait in the queue, also those of the channel, and a script stops before its next
 * command; time limits, cancelling and closing go on. atr: if the card in the reader has another
 * one, a connect waits, a reconnect fails with SCARD_W_REMOVED_CARD, and no job reaches that card;
 * NULL: any card.
 */
void scd_job_queue_set_held(ScdJobQueue *queue, gboolean held, GBytes *atr);

/* The current values, from any thread. */
guint scd_job_queue_protocol(const ScdJobQueue *queue);
guint scd_job_queue_share_mode(const ScdJobQueue *queue);
gboolean scd_job_queue_in_transaction(const ScdJobQueue *queue);

/* 2. All queues of a group, for the worker. */

/* The card has gone, and the transaction with it. */
void scd_queue_group_card_removed_locked(ScdQueueGroup *group);

/*
 * Collects the jobs whose time is over, but for those that are answered in the worker: claimed,
 * with a reference. In the main thread, without the lock. Returns when to call it again,
 * SCD_JOB_NO_LIMIT for never.
 */
gint64 scd_queue_group_expire(ScdQueueGroup *group, gint64 now, GQueue *answers);

/*
 * Ends jobs whose time is over, and collects them with those of channels that are to be answered
 * without being carried out: DONE, claimed, with a reference. Returns when to call it again.
 */
gint64 scd_queue_group_settle_in_worker_locked(ScdQueueGroup *group, gint64 now, GQueue *answers);

/* Likewise for jobs that must not wait: the worker is about to do so, or to carry out another. */
void scd_queue_group_end_unwaiting_locked(ScdQueueGroup *group, GQueue *answers);

/* The holder when it has kept others waiting for too long; else NULL, and *until is lowered to the
 * time when it will have. */
ScdJobQueue *scd_queue_group_overdue_holder_locked(const ScdQueueGroup *group, gint64 now,
                                                   gint64 *until);

/* The transaction of the holder has been ended: tells the holder. */
void scd_queue_group_transaction_taken_locked(ScdQueueGroup *group);

/* The handle of any queue that is connected, or NULL. */
const ScdCardHandle *scd_queue_group_connected_locked(const ScdQueueGroup *group);

/* 3. A queue, for the worker. */

/* The first one that is QUEUED, or NULL. */
const ScdJob *scd_job_queue_first_locked(const ScdJobQueue *queue);

/* Whether that one has to wait while another handle, or another program, has the card. */
gboolean scd_job_queue_needs_card_locked(const ScdJobQueue *queue);

/* Makes the first job RUNNING and the worker its owner. */
ScdJob *scd_job_queue_take_locked(ScdJobQueue *queue, gint64 now);

/*
 * Another program holds the card: the job is QUEUED again. FALSE when it is not, with its code set:
 * it was answered meanwhile, its time is over, or the caller is not "patient" any more.
 */
gboolean scd_job_queue_put_back_locked(ScdJobQueue *queue, ScdJob *job, gint64 now,
                                       gboolean patient);

/* The job is DONE, and for the caller to unref. Frees the queue after its last job. */
void scd_job_queue_finish_locked(ScdJobQueue *queue, ScdJob *job, gint64 now);

/* Takes over a job. answers: receives a job that must not wait; NULL for one of a channel. */
void scd_job_queue_append_locked(ScdJobQueue *queue, ScdJob *job, GQueue *answers);

/* QUEUED jobs of its channel end with the code, in their order. */
void scd_job_queue_refuse_channel_locked(ScdJobQueue *queue, guint32 code);

/* The first job, or the room for answers of the channel, may have changed. */
void scd_job_queue_schedule_locked(ScdJobQueue *queue);

/* Frees the channel if it is over; another one may take its place. */
void scd_job_queue_drop_ended_channel_locked(ScdJobQueue *queue);

gboolean scd_job_queue_is_closed_locked(const ScdJobQueue *queue);

/* The worker's own. channel: NULL for none. */
ScdCardHandle *scd_job_queue_card(ScdJobQueue *queue);
ScdChannel *scd_job_queue_channel(const ScdJobQueue *queue);
guint32 scd_job_queue_last_code(const ScdJobQueue *queue);
