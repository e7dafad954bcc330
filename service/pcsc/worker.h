/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The worker of a reader in use: a thread with a PC/SC context of its own, which
 * carries out the jobs of all queues on that reader, one at a time, as the reader
 * itself does. The group of these queues decides on the order, and when to let other PC/SC programs
 * have the card (scheduler.h).
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

/* reader: the PC/SC name. NULL with SCD_LIMITS_EXCEEDED when there is no descriptor or
 * thread for it. */
ScdWorker *scd_worker_new(const char *reader, const ScdWorkerOptions *options, GError **error);

const char *scd_worker_reader(const ScdWorker *worker);

/* The group in which new queues are created. */
ScdQueueGroup *scd_worker_group(const ScdWorker *worker);

/* Counts the queues that have not been freed, closed or not. */
guint scd_worker_count_queues(ScdWorker *worker);

/* The card has gone, and the transaction with it. */
void scd_worker_card_removed(ScdWorker *worker);

/*
 * Lets the thread carry out what has been submitted, without waiting for other programs, and end
 * when all queues have been closed.
 */
void scd_worker_stop(ScdWorker *worker);

/*
 * Frees a worker that was stopped, as soon as its thread has ended. FALSE when it
 * has not by the given time (monotonic, microseconds): it is inside libpcsclite, or
 * a queue is open, and the worker stays as it is.
 */
gboolean scd_worker_free(ScdWorker *worker, gint64 until);
