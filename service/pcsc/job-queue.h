/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A place on a reader for one connection at a time: the queue of jobs between
 * whoever wants something done with a card and the reader's worker. Used from
 * the main thread until it is closed; the worker frees it after its last job.
 */

#include "pcsc/job.h"
#include "pcsc/worker.h"

typedef struct ScdJobQueue ScdJobQueue;

ScdJobQueue *scd_job_queue_new(ScdWorker *worker);

/* Takes over the job. */
void scd_job_queue_submit(ScdJobQueue *handle, ScdJob *job);

/*
 * Ends a job with the code, unless it is done already: one that waits for its
 * turn, or for another program. One that is being carried out is taken back when
 * libpcsclite returns from it. Calls done().
 */
void scd_job_queue_cancel(ScdJobQueue *handle, ScdJob *job, guint32 code);

/*
 * The last call on a handle: what it waits for is cancelled with the code, and
 * the job, of kind SCD_JOB_DISCONNECT, is its last one and taken over.
 */
void scd_job_queue_close(ScdJobQueue *handle, ScdJob *disconnect, guint32 code);

/*
 * Takes over the descriptor of a channel (channel.h), which ends with the
 * handle, unless there is a channel already whose client has not left: FALSE.
 */
gboolean scd_job_queue_open_channel(ScdJobQueue *handle, int fd);

/*
 * func is called in the main thread each time when a transaction of the handle
 * was ended because it kept others waiting. data: from g_atomic_rc_box_new();
 * taken over, and freed when the handle has ended.
 */
void scd_job_queue_on_transaction_taken(ScdJobQueue *handle, GSourceFunc func, gpointer data);

/* As of now, from any thread. */
guint scd_job_queue_protocol(const ScdJobQueue *handle);
guint scd_job_queue_share_mode(const ScdJobQueue *handle);
gboolean scd_job_queue_in_transaction(const ScdJobQueue *handle);
