/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The jobs of one connection to a card, of a session or of a one-shot call, in the order in which
 * they were submitted. All queues on one reader are a group, from which the worker of the reader
 * takes the next job (scheduler.h).
 *
 * Functions whose names end in _locked must be called with the lock of the group. The main thread
 * uses a queue until it closes it; the worker frees it after its last job.
 */

#include "pcsc/card-handle.h"
#include "pcsc/channel.h"
#include "pcsc/job.h"
#include "pcsc/scheduler.h"

typedef struct ScdJobQueue ScdJobQueue;

/* 1. For the main thread. */

/*
 * uid: the user of the card, for the scheduler. destroyed: called with the data when the queue is
 * freed, in the worker, with the lock of the group; may be NULL.
 */
ScdJobQueue *scd_job_queue_new(ScdQueueGroup *group, guint32 uid, GDestroyNotify destroyed,
                               gpointer data);

/* Takes over the job, which must be NEW. Does not block. */
void scd_job_queue_submit(ScdJobQueue *queue, ScdJob *job);

/*
 * Answers a job of this queue with the code, unless it has been answered. A job that is QUEUED is
 * not executed any more. The caller must have a reference to the job. Not for SCD_JOB_DISCONNECT
 * and jobs that are answered in the worker.
 */
void scd_job_queue_cancel(ScdJobQueue *queue, ScdJob *job, guint32 code);

/*
 * Closes the queue, which the main thread must not use afterwards. Answers all jobs with the code;
 * the RUNNING one is undone when libpcsclite has returned. Takes over the last job, whose kind is
 * SCD_JOB_DISCONNECT.
 */
void scd_job_queue_close(ScdJobQueue *queue, ScdJob *disconnect, guint32 code);

/*
 * Takes over the descriptor and the charge of a channel (channel.h), which ends with the queue.
 * Returns FALSE if there is a channel whose client has not disconnected: then the caller keeps
 * both.
 */
gboolean scd_job_queue_open_channel(ScdJobQueue *queue, int fd, gboolean finds_cause,
                                    ScdUserCharge *charge);

/* Functions for the effects of others on the card. Called in the main thread; NULL for none. */
typedef struct {
    GSourceFunc transaction_taken; /* that of the queue was ended: it kept others waiting */
    GSourceFunc reconnect_undone;  /* it was answered early; the share mode may have changed */
    GSourceFunc card_reset; /* by another queue or program; once, until the queue reconnects */
} ScdJobQueueEvents;

/*
 * Begins to call the functions. data: from g_atomic_rc_box_new(); taken over, and released with the
 * queue.
 *
 * pcscd announces no resets: those of other programs are found at the next job, or within a second.
 * The use of the card by others is found when a transaction begins: ScdJob.card_used is whether
 * another queue has sent a command or reset the card since the last transaction of this queue, or
 * since it was connected; or another program was seen to have a transaction, or to have reset the
 * card.
 */
void scd_job_queue_on_events(ScdJobQueue *queue, const ScdJobQueueEvents *events, gpointer data);

/*
 * Holds the queue, or releases it. While it is held, its jobs and those of its channel are not
 * executed, and a script stops before its next command; jobs can still time out or be cancelled,
 * and the queue can be closed. atr: the only card that jobs may use, NULL for any card; ignored if
 * held. With another card in the reader, a connect waits, a reconnect fails with
 * SCARD_W_REMOVED_CARD, and so do the jobs of a handle that pcscd has told of the removal. A direct
 * handle is not told of a card that is inserted: its jobs for the card wait.
 */
void scd_job_queue_set_held(ScdJobQueue *queue, gboolean held, GBytes *atr);

/*
 * The card of the handle was removed. for_ever: the handle is for that card only; all later jobs
 * end with SCARD_W_REMOVED_CARD, also while the queue is held. Else jobs that need the handle's
 * card do so, until a reconnect succeeds. A disconnect leaves a later card as it is.
 */
void scd_job_queue_set_card_lost(ScdJobQueue *queue, gboolean for_ever);

/* Return the current values. From any thread. */
guint scd_job_queue_protocol(const ScdJobQueue *queue);
guint scd_job_queue_share_mode(const ScdJobQueue *queue);
gboolean scd_job_queue_in_transaction(const ScdJobQueue *queue);

/* 2. All queues of a group, for the worker. */

/*
 * Claims the jobs whose time limit has passed, except those that are answered in the worker, and
 * adds them to the answers, with a reference each. In the main thread, without the lock. Returns
 * when to call the function again; SCD_JOB_NO_LIMIT: never.
 */
gint64 scd_queue_group_expire(ScdQueueGroup *group, gint64 now, GQueue *answers);

/*
 * Ends the jobs whose time limit has passed, and jobs of channels that are to be answered without
 * being executed. Claims them and adds them to the answers, with a reference each. Returns when to
 * call the function again.
 */
gint64 scd_queue_group_settle_in_worker_locked(ScdQueueGroup *group, gint64 now, GQueue *answers);

/* Likewise for jobs that must not wait: before the worker waits, or executes another job. */
void scd_queue_group_end_unwaiting_locked(ScdQueueGroup *group, GQueue *answers);

/*
 * Returns the holder of the transaction if it has kept others waiting for too long. Else returns
 * NULL, and lowers *until to the time at which it will have.
 */
ScdJobQueue *scd_queue_group_overdue_holder_locked(const ScdQueueGroup *group, gint64 now,
                                                   gint64 *until);

/*
 * To be called after the transaction of the queue was ended, which may have closed its handle:
 * notifies its session.
 */
void scd_job_queue_transaction_taken_locked(ScdJobQueue *queue);

/* To be called when the holder of the transaction has lost its card, which has ended it. */
void scd_job_queue_card_removed_locked(ScdJobQueue *holder);

/* Returns the queues that are connected, the oldest one first: a list of ScdJobQueue. It changes in
 * the thread of the worker only. */
const GList *scd_queue_group_connected_locked(const ScdQueueGroup *group);

/* Calls card_reset(), and notes in the handle that the owner knows of the reset. */
void scd_job_queue_report_reset_locked(ScdJobQueue *queue);

/* Returns whether card_reset() is to be called if the card was reset. */
gboolean scd_job_queue_wants_resets_locked(const ScdJobQueue *queue);

/* 3. A queue, for the worker. */

/* Returns the first job that is QUEUED, or NULL. */
const ScdJob *scd_job_queue_first_locked(const ScdJobQueue *queue);

/* Returns whether that job has to wait while another handle, or another program, has the card. */
gboolean scd_job_queue_needs_card_locked(const ScdJobQueue *queue);

/* Makes the first job RUNNING and the worker its owner. */
ScdJob *scd_job_queue_take_locked(ScdJobQueue *queue, gint64 now);

/*
 * Makes a RUNNING job QUEUED again, because another program has the card. Returns FALSE, and sets
 * the code of the job, if it was answered, if its time limit has passed, or if patient is FALSE.
 */
gboolean scd_job_queue_put_back_locked(ScdJobQueue *queue, ScdJob *job, gint64 now,
                                       gboolean patient);

/* Makes the job DONE; the caller unrefs it. Frees the queue after its last job. */
void scd_job_queue_finish_locked(ScdJobQueue *queue, ScdJob *job, gint64 now);

/* Takes over a job. answers: receives a job that must not wait; NULL for one of a channel. */
void scd_job_queue_append_locked(ScdJobQueue *queue, ScdJob *job, GQueue *answers);

/* Ends the QUEUED jobs of the channel with the code, in their order. */
void scd_job_queue_refuse_channel_locked(ScdJobQueue *queue, guint32 code);

/* To be called when the first job, or the room for answers of the channel, may have changed. */
void scd_job_queue_schedule_locked(ScdJobQueue *queue);

/* Frees the channel if it has ended; the next one takes its place. */
void scd_job_queue_drop_ended_channel_locked(ScdJobQueue *queue);

gboolean scd_job_queue_is_closed_locked(const ScdJobQueue *queue);

/* For the worker's thread. The channel is NULL if there is none. */
ScdCardHandle *scd_job_queue_card(ScdJobQueue *queue);
ScdChannel *scd_job_queue_channel(const ScdJobQueue *queue);
guint32 scd_job_queue_last_code(const ScdJobQueue *queue);
