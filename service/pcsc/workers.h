/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The workers there are, one for each reader in use: made when somebody wants a
 * handle, ended when nobody has had one for a while. Main thread only.
 */

#include "pcsc/job-queue.h"

typedef struct ScdWorkers ScdWorkers;

ScdWorkers *scd_workers_new(guint transaction_idle_limit_ms);

/*
 * All handles must have been closed. What is caught in a call of libpcsclite is
 * waited for no longer than a moment: FALSE, and the process should end.
 */
gboolean scd_workers_stop(ScdWorkers *workers);

/* After scd_workers_stop(), and after what they told the main thread before. */
void scd_workers_free(ScdWorkers *workers);

/* A place on the reader of that PC/SC name; NULL with an error when there are too many workers. */
ScdJobQueue *scd_workers_new_queue(ScdWorkers *workers, const char *reader, GError **error);

/* What the monitor saw. */
void scd_workers_card_removed(ScdWorkers *workers, const char *reader);
void scd_workers_reader_removed(ScdWorkers *workers, const char *reader);
