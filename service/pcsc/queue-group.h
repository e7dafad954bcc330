/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The state shared by the job queues on one reader: the lock, whose turn it is, the
 * holder of the transaction and its limits, and lists of queues with something to be
 * looked after. Knows nothing of jobs.
 *
 * Functions whose names end in _locked are called with the lock.
 */

#include "pcsc/hold-limit.h"
#include "pcsc/scheduler.h"

struct ScdJobQueue;

typedef struct {
    /* There is something to do for the worker. With the lock, in any thread. */
    void (*wake)(gboolean new_channel, gpointer data);
    gpointer wake_data;
    void (*limit_set)(gint64 at, gpointer data); /* in the main thread: a job has a time limit */
    gpointer limit_data;
    guint transaction_idle_limit_ms;
    guint transaction_total_limit_ms;
} ScdQueueGroupOptions;

typedef struct {
    ScdQueueGroupOptions options;
    GMutex lock;
    ScdScheduler scheduler;
    ScdHoldLimit hold_limit;
    const ScdSchedulerEntry *turn; /* whose job is being carried out */
    gint64 turn_since;
    gint turn_ends;    /* libpcsclite has returned; atomic */
    gint64 expires_at; /* no job has a limit before; it may be later than that */

    /* Of ScdJobQueue. */
    GQueue queues;
    GQueue speakers;  /* with a channel */
    GQueue connected; /* with a SCARDHANDLE */
    GQueue refusing;  /* with refused jobs of a channel */
    GQueue unwaiting; /* whose first job must not wait */
} ScdQueueGroup;

/* A place in one of these lists. */
typedef struct {
    GList link;
    gboolean is_in;
} ScdQueuePlace;

void scd_queue_place_set(GQueue *list, ScdQueuePlace *place, gboolean is_in);

ScdQueueGroup *scd_queue_group_new(const ScdQueueGroupOptions *options);

/* All queues must have gone. */
void scd_queue_group_free(ScdQueueGroup *group);

gboolean scd_queue_group_is_empty_locked(const ScdQueueGroup *group);

/* How many of the queues have a SCARDHANDLE. */
guint scd_queue_group_count_connected_locked(const ScdQueueGroup *group);

/* The queue whose job is next, or NULL. card_ready: see scheduler.h. */
struct ScdJobQueue *scd_queue_group_next_locked(ScdQueueGroup *group, gboolean card_ready);

/* The holder of the transaction; NULL for none. */
struct ScdJobQueue *scd_queue_group_holder_locked(const ScdQueueGroup *group);

/* As in scheduler.h; they also note since when the holder has kept others waiting. */
void scd_queue_group_wait_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry,
                                 gboolean needs_card, gboolean first);
void scd_queue_group_rest_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry);
void scd_queue_group_remove_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry);
void scd_queue_group_begin_turn_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry, gint64 now);
/* From now on no job has to wait because of that turn. Without the lock. */
void scd_queue_group_turn_ends_in_worker(ScdQueueGroup *group);
void scd_queue_group_end_turn_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry, gint64 now);

/* Whether a job that is submitted now has to wait for another one. */
gboolean scd_queue_group_is_busy_locked(const ScdQueueGroup *group);

/* The meaning of a holder's job for the idle limit. */
typedef enum {
    SCD_HOLD_IDLE,
    SCD_HOLD_BUSY,    /* not a command to the card, but the time that it took is no idleness */
    SCD_HOLD_COMMAND, /* to the card */
} ScdHoldActivity;

/* Before the end of the entry's turn: whether it holds the transaction now. */
void scd_queue_group_note_holder_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry,
                                        gboolean holds, ScdHoldActivity activity, gint64 now);
void scd_queue_group_end_holding_locked(ScdQueueGroup *group);

/* When the transaction is to be ended; idle: the holder has no command for the card. */
gint64 scd_queue_group_hold_end_locked(const ScdQueueGroup *group, gboolean idle);
