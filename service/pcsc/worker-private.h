/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What worker.c and handle.c share: the two ends of the queues. Functions whose
 * names end in _locked are called with the worker's lock held.
 */

#include "pcsc/card-handle.h"
#include "pcsc/channel.h"
#include "pcsc/contention.h"
#include "pcsc/job-queue.h"
#include "pcsc/run-queue.h"

struct ScdJobQueue {
    ScdWorker *worker;
    GQueue jobs;              /* of ScdJob; the first one may be being carried out */
    gboolean closed;          /* no job follows those in the queue */
    ScdChannel *channel;      /* the thread's, which frees it; NULL when there is none */
    ScdChannel *next_channel; /* waits until that one, which its client has left, is over */
    ScdCardHandle card;
    guint32 last_code; /* of the job before; the thread's own */
    GSourceFunc taken; /* NULL when nobody wants to know; with its data under the lock */
    gpointer taken_data;
};

struct ScdWorker {
    ScdWorkerOptions options;
    char *reader;
    int wake_fd;
    GThread *thread;

    GMutex lock;
    GCond ended_cond;
    GPtrArray *handles;
    ScdRunQueue run_queue;
    gint64 holder_idle_since;
    gboolean heard;   /* all channels, since the last job */
    gboolean waiting; /* the thread is about to sleep, or does */
    gboolean stopped;
    gboolean ended;

    /* The thread's own. */
    ScdCardPlace place;
    guint8 *packets;     /* of SCD_CHANNEL_BUFFER bytes, for the channels */
    GPtrArray *received; /* jobs of a channel, on their way to its handle */
    GArray *polled;      /* of struct pollfd: the wake-up, then the channels */
    GPtrArray *speakers; /* the handles of these channels, in that order */
    ScdContention contention;
    gboolean lost;       /* the connection to pcscd */
    gint64 unused_since; /* when a handle went last; 0 when it has been told that there is none */
};

/* Whether the job has to wait until others are done with the card. */
gboolean scd_job_needs_scheduling(const ScdJob *job);

/* The one to be carried out next, or being so; NULL when there is none. */
ScdJob *scd_job_queue_first_job_locked(const ScdJobQueue *handle);

/* The handle's first job is a new one: says so to the run_queue. The end of a handle goes first. */
void scd_job_queue_schedule_locked(ScdJobQueue *handle);

/* After its last job. */
void scd_job_queue_free_locked(ScdJobQueue *handle);

/* Takes over the job. */
void scd_job_queue_append_locked(ScdJobQueue *handle, ScdJob *job);

void scd_worker_wake_locked(ScdWorker *worker);
