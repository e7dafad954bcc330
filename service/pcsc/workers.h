/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The workers, one for each reader in use: created for the first queue on it, ended
 * when it has had none for a while. Main thread only.
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

/* Limits of a transaction while other queues wait, in milliseconds: hold-limit.h. */
ScdWorkers *scd_workers_new(guint transaction_idle_limit_ms, guint transaction_total_limit_ms);

/*
 * All queues must have been closed. Waits a short time for calls of libpcsclite that are under way:
 * FALSE when one has not returned, and the process should end.
 */
gboolean scd_workers_stop(ScdWorkers *workers);

/* After scd_workers_stop(), and after the main loop has carried out what the threads had sent. */
void scd_workers_free(ScdWorkers *workers);

/*
 * A queue on the reader of that PC/SC name; NULL with SCD_LIMITS_EXCEEDED when there are
 * too many queues on that reader or too many workers, or no descriptor or thread for another one.
 * uid, destroyed and data: see scd_job_queue_new(); destroyed is not called after an error.
 */
ScdJobQueue *scd_workers_new_queue(ScdWorkers *workers, const char *reader, guint32 uid,
                                   GDestroyNotify destroyed, gpointer data, GError **error);

/* To be called when the monitor has seen it. */
void scd_workers_card_removed(ScdWorkers *workers, const char *reader);
void scd_workers_reader_removed(ScdWorkers *workers, const char *reader);
