/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Chooses whose job is next on a reader. One entry stands for one queue of jobs.
 *
 *  1. The holder of the transaction goes first.
 *  2. The others take turns by user, and the entries of a user among themselves; a
 *     turn is one job, of any kind.
 *  3. A turn is worth 1 ms of the reader's time. A user, or entry, that took longer
 *     is passed over until the debt, of 1 s at most, is paid (deficit round robin).
 *  4. Debts grow only while others wait, and end when nothing is left to do.
 *  5. Jobs that need no card do not wait for the holder's transaction to end: they
 *     alternate with the jobs of the holder.
 *
 * Each operation takes constant time, except for paying debts, 1 ms at a time. It reads no clock
 * and has no thread; the caller has a lock.
 *
 * Below are the limits of a transaction, the rules for other PC/SC programs, and the group of all
 * queues on a reader, which applies them.
 */

#include <glib.h>

#define SCD_SCHEDULER_QUANTUM_US 1000
#define SCD_SCHEDULER_DEBT_MAX_US G_USEC_PER_SEC

/* A place in the two rings of waiting users or entries: all, and those that need no card. */
typedef struct {
    GList any;
    GList free;
    gint64 debt_us;
    gboolean urgent; /* the next turn does not depend on the debt */
} ScdSchedulerTurn;

typedef struct ScdSchedulerUser ScdSchedulerUser;

/* Embedded in the queue that it stands for. Only the scheduler uses the fields. */
typedef struct {
    ScdSchedulerTurn turn;
    ScdSchedulerUser *user;
    gpointer owner;
    gboolean waits;
    gboolean needs_card;
    gboolean linked;
} ScdSchedulerEntry;

typedef struct {
    GQueue any; /* of ScdSchedulerUser */
    GQueue free;
    GHashTable *users;         /* uid → ScdSchedulerUser */
    ScdSchedulerEntry *holder; /* of the transaction; NULL for none */
    gboolean holder_was_last;
    guint n_card; /* entries, without the holder, that wait for the card */
} ScdScheduler;

void scd_scheduler_init(ScdScheduler *scheduler);

/* All entries must have been removed. */
void scd_scheduler_clear(ScdScheduler *scheduler);

/* Adds an entry without a job. owner: returned by scd_scheduler_next(). */
void scd_scheduler_add(ScdScheduler *scheduler, ScdSchedulerEntry *entry, guint32 uid,
                       gpointer owner);
void scd_scheduler_remove(ScdScheduler *scheduler, ScdSchedulerEntry *entry);

/*
 * To be called when the entry has a job. An entry that waits already keeps its place. If first is
 * TRUE, it becomes the next one of its user, and its user the next one, regardless of their debts.
 */
void scd_scheduler_wait(ScdScheduler *scheduler, ScdSchedulerEntry *entry, gboolean needs_card,
                        gboolean first);

/* To be called when the entry has no job any more. */
void scd_scheduler_rest(ScdScheduler *scheduler, ScdSchedulerEntry *entry);

/* Begins the turn of the entry, which does not wait any more; its user becomes the last one. */
void scd_scheduler_begin(ScdScheduler *scheduler, ScdSchedulerEntry *entry);

/* Ends the turn. used_us: the time that it took. Must be followed by wait() or rest(). */
void scd_scheduler_charge(ScdScheduler *scheduler, ScdSchedulerEntry *entry, gint64 used_us);

/* Sets the holder of the transaction; NULL when the transaction has ended. */
void scd_scheduler_set_holder(ScdScheduler *scheduler, ScdSchedulerEntry *entry);

/*
 * Returns the owner of the entry whose turn is next, or NULL. card_ready: FALSE while no job that
 * needs the card can be executed.
 */
gpointer scd_scheduler_next(ScdScheduler *scheduler, gboolean card_ready);

/* Returns whether others wait for the end of the transaction. */
gboolean scd_scheduler_holder_blocks(const ScdScheduler *scheduler);

/*
 * Computes when a transaction has kept others from the card for too long: when its
 * holder has sent no command to the card for the idle limit, or when others have
 * waited for the total limit, all times added up. Neither counts while no other
 * session waits. No clock: times are monotonic, in microseconds.
 */
typedef struct {
    gint64 idle_limit_us;
    gint64 total_limit_us;
    gint64 idle_since;
    gint64 blocking_since; /* -1 while no other session waits */
    gint64 blocked_us;     /* before that */
} ScdHoldLimit;

void scd_hold_limit_init(ScdHoldLimit *limit, guint idle_limit_ms, guint total_limit_ms);

/* To be called when a transaction has begun; others do not wait yet. */
void scd_hold_limit_begin(ScdHoldLimit *limit, gint64 now);

/* To be called when a command of the holder to the card has ended. */
void scd_hold_limit_command_ended(ScdHoldLimit *limit, gint64 now);

/* Adds the duration of another request of the holder, such as PIN entry: it was not idle. */
void scd_hold_limit_add_busy(ScdHoldLimit *limit, gint64 duration_us);

/* To be called when others begin or cease to wait. */
void scd_hold_limit_set_blocking(ScdHoldLimit *limit, gboolean blocking, gint64 now);

/* Return when the transaction is to end; G_MAXINT64 while no other session waits. */
gint64 scd_hold_limit_idle_end(const ScdHoldLimit *limit);
gint64 scd_hold_limit_total_end(const ScdHoldLimit *limit);

/*
 * Computes when to use a card that other PC/SC programs use through pcscd as well.
 *
 * pcscd does not signal the end of another program's transaction, and has no queue: a program that
 * waits tries again every 200 ms, and the first one to try while the card is free gets it. So the
 * worker also tries again while another program has the card, at intervals that grow.
 *
 * If the service's transactions followed each other without a gap, no other program could use the
 * card. So there are pauses: very short ones, or, if another program used the card in the last
 * seconds, pauses that are longer than its interval.
 *
 * No clock: times are monotonic, in microseconds. All zero to begin with.
 */
typedef struct {
    gint64 retry_interval_us; /* 0 while no other program holds the card */
    gint64 retry_at;
    gint64 busy_at; /* when another program was last seen; 0 for never */

    gint64 used_since; /* by transactions of the service without a gap between them */
    gint64 ended_at;
    gint64 rest_us; /* the pause after that */
} ScdContention;

/* To be called when another program has the card. */
void scd_contention_busy(ScdContention *contention, gint64 now);

/* Returns whether another program had the card at the last attempt. */
gboolean scd_contention_is_busy(const ScdContention *contention);

/* To be called when no other program has the card. */
void scd_contention_free(ScdContention *contention);

/* To be called when a transaction of the service begins, and when it ends. */
void scd_contention_begin(ScdContention *contention, gint64 now);
void scd_contention_end(ScdContention *contention, gint64 now);

/* Returns when to try a job that needs the card. begins: the job begins a transaction. */
gint64 scd_contention_retry_at(const ScdContention *contention, gboolean begins);

struct ScdJobQueue;

/* The lists of queues in a group. */
typedef enum {
    SCD_LIST_ALL,
    SCD_LIST_SPEAKERS,  /* with a channel */
    SCD_LIST_CONNECTED, /* with a SCARDHANDLE */
    SCD_LIST_REFUSING,  /* with refused jobs of a channel */
    SCD_LIST_UNWAITING, /* whose first job must not wait */
    SCD_N_LISTS,
} ScdQueueList;

/* The places of a queue in these lists. */
typedef struct {
    struct {
        GList link;
        gboolean is_in;
    } in[SCD_N_LISTS];
} ScdQueuePlaces;

typedef struct {
    /* Wakes the worker. Called with the lock, in any thread. */
    void (*wake)(gboolean new_channel, gpointer data);
    gpointer wake_data;
    void (*limit_set)(gint64 at, gpointer data); /* in the main thread: a job has a time limit */
    gpointer limit_data;
    guint transaction_idle_limit_ms;
    guint transaction_total_limit_ms;
} ScdQueueGroupOptions;

/*
 * The state shared by the job queues on one reader: the lock, whose turn it is, the holder of the
 * transaction and its limits, the use of the card by other programs, and lists of queues.
 *
 * Functions whose names end in _locked are called with the lock.
 */
typedef struct {
    ScdQueueGroupOptions options;
    GMutex lock;
    GCond answered; /* a RUNNING job was answered early */
    ScdScheduler scheduler;
    ScdHoldLimit hold_limit;
    ScdContention contention;
    const ScdSchedulerEntry *turn; /* the one whose job is RUNNING; or NULL */
    gint64 turn_since;
    gint turn_ends;        /* libpcsclite has returned; atomic */
    gint64 expires_at;     /* the time limit of no job is earlier */
    gboolean card_removed; /* which the worker has not looked at yet */

    GQueue lists[SCD_N_LISTS]; /* of ScdJobQueue */
} ScdQueueGroup;

ScdQueueGroup *scd_queue_group_new(const ScdQueueGroupOptions *options);

/* All queues must have been freed. */
void scd_queue_group_free(ScdQueueGroup *group);

void scd_queue_places_init(ScdQueuePlaces *places, struct ScdJobQueue *queue);

/* Puts a queue into one of the lists, at its end unless it is there, or removes it. */
void scd_queue_group_list_locked(ScdQueueGroup *group, ScdQueueList list, ScdQueuePlaces *places,
                                 gboolean is_in);

gboolean scd_queue_group_is_empty_locked(const ScdQueueGroup *group);

/* Returns how many of the queues have a SCARDHANDLE. */
guint scd_queue_group_count_connected_locked(const ScdQueueGroup *group);

/* Returns the queue whose job is next, or NULL. card_ready: as for scd_scheduler_next(). */
struct ScdJobQueue *scd_queue_group_next_locked(ScdQueueGroup *group, gboolean card_ready);

/* Returns the holder of the transaction, or NULL. */
struct ScdJobQueue *scd_queue_group_holder_locked(const ScdQueueGroup *group);

/* Returns the same if the card was removed since the last call, else NULL. */
struct ScdJobQueue *scd_queue_group_take_removal_locked(ScdQueueGroup *group);

/* To be called without the lock after a job was queued. limit: its time limit. The worker sees it
 * when it wakes, but may be inside libpcsclite until later. */
void scd_queue_group_set_limit(ScdQueueGroup *group, gint64 limit);

/* As in the scheduler; they also note since when the holder has kept others waiting. */
void scd_queue_group_wait_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry,
                                 gboolean needs_card, gboolean first);
void scd_queue_group_rest_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry);
void scd_queue_group_remove_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry);
void scd_queue_group_begin_turn_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry, gint64 now);
/* To be called, without the lock, when new jobs need not wait for that turn any more. */
void scd_queue_group_turn_ends_in_worker(ScdQueueGroup *group);
void scd_queue_group_end_turn_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry, gint64 now);

/* Returns whether a job that is submitted now has to wait for another one. */
gboolean scd_queue_group_is_busy_locked(const ScdQueueGroup *group);

/* The meaning of a holder's job for the idle limit. */
typedef enum {
    SCD_HOLD_IDLE,
    SCD_HOLD_BUSY,    /* not a command to the card, but the holder was not idle */
    SCD_HOLD_COMMAND, /* to the card */
} ScdHoldActivity;

/* To be called before the end of the turn. holds: the entry has the transaction now. */
void scd_queue_group_note_holder_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry,
                                        gboolean holds, ScdHoldActivity activity, gint64 now);
void scd_queue_group_end_holding_locked(ScdQueueGroup *group);

/* Returns when to end the transaction. idle: the holder has no command for the card. */
gint64 scd_queue_group_hold_end_locked(const ScdQueueGroup *group, gboolean idle);
