/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The worker of a reader in use: a thread with a PC/SC context, which executes the jobs of all
 * queues on that reader, one at a time. The group of these queues decides in which order, and when
 * other PC/SC programs can use the card (scheduler.h).
 *
 * A transaction that keeps other queues waiting for too long is ended with a reset of the card.
 */

#include "pcsc/job-queue.h"

typedef struct ScdWorker ScdWorker;

typedef struct {
    /* In the main thread: the reader has had no queue for a while. */
    void (*idle)(const char *reader, gpointer data);
    /* In the main thread: a job was submitted that has a time limit (monotonic, microseconds). */
    void (*limit_set)(gint64 at, gpointer data);
    gpointer data;
    guint transaction_idle_limit_ms;
    guint transaction_total_limit_ms;
} ScdWorkerOptions;

/* reader: the PC/SC name. Fails with SCD_LIMITS_EXCEEDED if there is no descriptor or thread left.
 */
ScdWorker *scd_worker_new(const char *reader, const ScdWorkerOptions *options, GError **error);

const char *scd_worker_reader(const ScdWorker *worker);

/* Returns the group for new queues on the reader. */
ScdQueueGroup *scd_worker_group(const ScdWorker *worker);

/* Returns the number of queues that have not been freed, closed ones included. */
guint scd_worker_count_queues(ScdWorker *worker);

/* To be called when the card was removed: ends its transaction, but none with the next card. */
void scd_worker_card_removed(ScdWorker *worker);

/*
 * Makes the thread end when all queues are closed and their jobs DONE. Jobs do not wait for other
 * programs any more.
 */
void scd_worker_stop(ScdWorker *worker);

/*
 * Frees a worker that was stopped, as soon as its thread has ended. Blocks until then, or until the
 * given time (monotonic, microseconds). Returns FALSE if the thread has not ended by then, because
 * a call of libpcsclite has not returned or a queue is open; the worker is not freed then.
 */
gboolean scd_worker_free(ScdWorker *worker, gint64 until);
