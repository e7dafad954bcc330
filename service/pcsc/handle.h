/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A place on a reader for one connection at a time: the queue of jobs between
 * whoever wants something done with a card and the reader's worker. Used from
 * the main thread until it is closed; the worker frees it after its last job.
 */

#include "pcsc/job.h"
#include "pcsc/worker.h"

typedef struct ScdHandle ScdHandle;

ScdHandle *scd_handle_new(ScdWorker *worker);

/* Takes over the job. */
void scd_handle_submit(ScdHandle *handle, ScdJob *job);

/*
 * Ends a job with the code, unless it is done already: one that waits for its
 * turn, or for another program. One that is being carried out is taken back when
 * libpcsclite returns from it. Calls done().
 */
void scd_handle_cancel(ScdHandle *handle, ScdJob *job, guint32 code);

/*
 * The last call on a handle: what it waits for is cancelled with the code, and
 * the job, of kind SCD_JOB_DISCONNECT, is its last one and taken over.
 */
void scd_handle_close(ScdHandle *handle, ScdJob *disconnect, guint32 code);

/*
 * Takes over the descriptor of a channel (channel.h), which ends with the
 * handle, unless there is a channel already whose client has not left: FALSE.
 */
gboolean scd_handle_open_channel(ScdHandle *handle, int fd);

/*
 * func is called in the main thread each time when a transaction of the handle
 * was ended because it kept others waiting. data: from g_atomic_rc_box_new();
 * taken over, and freed when the handle has ended.
 */
void scd_handle_on_transaction_taken(ScdHandle *handle, GSourceFunc func, gpointer data);

/* As of now, from any thread. */
guint scd_handle_protocol(const ScdHandle *handle);
guint scd_handle_share_mode(const ScdHandle *handle);
gboolean scd_handle_in_transaction(const ScdHandle *handle);
