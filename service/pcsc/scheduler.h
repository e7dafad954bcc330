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
 * Each operation takes constant time, or as long as paying the debts of the users
 * that wait, 1 ms each time. No clock, no thread: the caller has a lock.
 */

#include <glib.h>

#define SCD_SCHEDULER_QUANTUM_US 1000
#define SCD_SCHEDULER_DEBT_MAX_US G_USEC_PER_SEC

/* A place in the rings of those that wait: of all, and of those that need no card. */
typedef struct {
    GList any;
    GList free;
    gint64 debt_us;
    gboolean urgent; /* not to be passed over because of the debt, this time */
} ScdSchedulerTurn;

typedef struct ScdSchedulerUser ScdSchedulerUser;

/* Embedded in the queue that it stands for. The fields are the scheduler's. */
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

/* owner: returned by scd_scheduler_next(). The entry has no job yet. */
void scd_scheduler_add(ScdScheduler *scheduler, ScdSchedulerEntry *entry, guint32 uid,
                       gpointer owner);
void scd_scheduler_remove(ScdScheduler *scheduler, ScdSchedulerEntry *entry);

/*
 * The entry has a job to be carried out. One that waits already keeps its place, unless "first" is
 * set: it is then the next one of its user, and its user the next one, whatever their debts.
 */
void scd_scheduler_wait(ScdScheduler *scheduler, ScdSchedulerEntry *entry, gboolean needs_card,
                        gboolean first);

/* The entry has no job any more. */
void scd_scheduler_rest(ScdScheduler *scheduler, ScdSchedulerEntry *entry);

/* The entry has its turn: it waits no more, and its user goes to the end. */
void scd_scheduler_begin(ScdScheduler *scheduler, ScdSchedulerEntry *entry);

/* After the turn: the time that it took. Followed by wait() or rest(). */
void scd_scheduler_charge(ScdScheduler *scheduler, ScdSchedulerEntry *entry, gint64 used_us);

/* NULL when the transaction has ended. */
void scd_scheduler_set_holder(ScdScheduler *scheduler, ScdSchedulerEntry *entry);

/*
 * The owner of the entry whose turn is next; NULL for none. card_ready: FALSE while no job that
 * needs the card can be carried out.
 */
gpointer scd_scheduler_next(ScdScheduler *scheduler, gboolean card_ready);

/* Whether the holder keeps others from the card. */
gboolean scd_scheduler_holder_blocks(const ScdScheduler *scheduler);
