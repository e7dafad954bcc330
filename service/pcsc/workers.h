/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The workers: one for each reader in use, created for the first queue on the reader, and ended
 * when the reader has had no queue for a while. Main thread only.
 */

#include "pcsc/worker.h"

/*
 * pcscd serves at most 200 programs and 200 handles of each reader. The service leaves some of both
 * to other programs. Each worker is a program in this sense, and so are the monitor and the probes
 * (SCD_DRIVER_PROBES_MAX); each queue may have a handle.
 */
#define SCD_WORKERS_MAX 128
#define SCD_QUEUES_PER_READER_MAX 150

typedef struct ScdWorkers ScdWorkers;

/* The limits of a transaction while other queues wait, in milliseconds: ScdHoldLimit. */
ScdWorkers *scd_workers_new(guint transaction_idle_limit_ms, guint transaction_total_limit_ms);

/*
 * Ends the threads. All queues must have been closed. Waits for a short time until running calls of
 * libpcsclite have returned. Returns FALSE if one has not: then the process should exit.
 */
gboolean scd_workers_stop(ScdWorkers *workers);

/* After scd_workers_stop(), and after the main loop has run the calls that the threads made to it.
 */
void scd_workers_free(ScdWorkers *workers);

/*
 * Returns a new queue on the reader with this PC/SC name. Fails with SCD_LIMITS_EXCEEDED if there
 * are too many queues on that reader, too many workers, or no descriptor or thread left. uid,
 * destroyed and data: see scd_job_queue_new(); destroyed is not called after an error.
 */
ScdJobQueue *scd_workers_new_queue(ScdWorkers *workers, const char *reader, guint32 uid,
                                   GDestroyNotify destroyed, gpointer data, GError **error);

/* To be called when the monitor has reported the removal. */
void scd_workers_card_removed(ScdWorkers *workers, const char *reader);
void scd_workers_reader_removed(ScdWorkers *workers, const char *reader);
