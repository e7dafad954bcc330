/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lets a worker's thread sleep until it is woken or a request comes by one of the
 * channels of its queues, which then become jobs.
 *
 * A channel whose requests nothing but poll() shows must not be passed over while
 * others have jobs: so between two jobs there is a poll, unless the only channel is
 * the one whose next job has been received already.
 */

#include "pcsc/job-queue.h"

typedef struct ScdChannelPoll ScdChannelPoll;

/* Returns NULL if no descriptor is left. */
ScdChannelPoll *scd_channel_poll_new(void);
void scd_channel_poll_free(ScdChannelPoll *poll);

/* Wakes the thread if it sleeps: the wake() of the group. data: the ScdChannelPoll. */
void scd_channel_poll_wake_locked(gboolean new_channel, gpointer data);

/* Whether the queue's next job may be carried out without another poll before. */
gboolean scd_channel_poll_may_run_locked(ScdChannelPoll *poll, ScdQueueGroup *group,
                                         ScdJobQueue *queue);

/*
 * Sleeps until then, not at all if that is not later than now. Releases the group's lock meanwhile.
 */
void scd_channel_poll_wait_in_worker(ScdChannelPoll *poll, ScdQueueGroup *group, gint64 now,
                                     gint64 until);
