/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lets a worker's thread sleep until it is woken, or until a request arrives on one of the channels
 * of its queues. The requests become jobs.
 *
 * Only poll() shows that a channel has requests, and no channel must wait because other queues have
 * jobs. So there is a poll between two jobs, unless there is only one channel and its next job has
 * been received already.
 */

#include "pcsc/job-queue.h"

typedef struct ScdChannelPoll ScdChannelPoll;

/* Returns NULL if no descriptor is left. */
ScdChannelPoll *scd_channel_poll_new(void);
void scd_channel_poll_free(ScdChannelPoll *poll);

/* Wakes the thread if it sleeps: the wake() of the group. data: the ScdChannelPoll. */
void scd_channel_poll_wake_locked(gboolean new_channel, gpointer data);

/* Returns whether the queue's next job may be executed without another poll before. */
gboolean scd_channel_poll_may_run_locked(ScdChannelPoll *poll, ScdQueueGroup *group,
                                         ScdJobQueue *queue);

/*
 * Sleeps until the given time, or only polls if it is not later than now. Releases the lock of the
 * group meanwhile.
 */
void scd_channel_poll_wait_in_worker(ScdChannelPoll *poll, ScdQueueGroup *group, gint64 now,
                                     gint64 until);
