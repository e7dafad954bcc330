/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/scheduler.h"

#define MS G_TIME_SPAN_MILLISECOND

#define RETRY_INTERVAL_MIN_US 500
#define RETRY_INTERVAL_MAX_US (10 * MS)

/* For how long another program is remembered. */
#define MEMORY_US (10 * G_TIME_SPAN_SECOND)

/* A gap between two transactions that is long enough for other programs. */
#define GAP_US MS

/* After so much use without a gap, a pause of that length. */
typedef struct {
    gint64 use_us;
    gint64 rest_us;
} Rest;

static const Rest alone = {10 * MS, MS / 5};
static const Rest beside_others = {1000 * MS, 220 * MS};

struct ScdSchedulerUser {
    ScdSchedulerTurn turn;
    guint32 uid;
    guint n_entries;
    GQueue any; /* of ScdSchedulerEntry */
    GQueue free;
};

void
scd_scheduler_init(ScdScheduler *scheduler)
{
    *scheduler = (ScdScheduler){.any = G_QUEUE_INIT, .free = G_QUEUE_INIT};
    scheduler->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

void
scd_scheduler_clear(ScdScheduler *scheduler)
{
    g_assert(g_hash_table_size(scheduler->users) == 0);
    g_hash_table_unref(scheduler->users);
}

static void
push_link(GQueue *ring, GList *link, gboolean first)
{
    if (first)
        g_queue_push_head_link(ring, link);
    else
        g_queue_push_tail_link(ring, link);
}

/* Puts the user into the rings in which it has entries, if it is not there yet. */
static void
link_user(ScdScheduler *scheduler, ScdSchedulerUser *user, gboolean first)
{
    if (user->any.length == 1 || first) {
        if (user->any.length > 1)
            g_queue_unlink(&scheduler->any, &user->turn.any);
        push_link(&scheduler->any, &user->turn.any, first);
    }
}

static void
link_free_user(ScdScheduler *scheduler, ScdSchedulerUser *user, gboolean first)
{
    if (user->free.length == 1 || first) {
        if (user->free.length > 1)
            g_queue_unlink(&scheduler->free, &user->turn.free);
        push_link(&scheduler->free, &user->turn.free, first);
    }
}

static void
link_entry(ScdScheduler *scheduler, ScdSchedulerEntry *entry, gboolean first)
{
    ScdSchedulerUser *user = entry->user;

    push_link(&user->any, &entry->turn.any, first);
    link_user(scheduler, user, first);
    if (entry->needs_card) {
        scheduler->n_card++;
    } else {
        push_link(&user->free, &entry->turn.free, first);
        link_free_user(scheduler, user, first);
    }
    entry->linked = TRUE;
}

static void
unlink_entry(ScdScheduler *scheduler, ScdSchedulerEntry *entry)
{
    ScdSchedulerUser *user = entry->user;

    if (!entry->linked)
        return;
    g_queue_unlink(&user->any, &entry->turn.any);
    if (user->any.length == 0)
        g_queue_unlink(&scheduler->any, &user->turn.any);
    if (entry->needs_card) {
        scheduler->n_card--;
    } else {
        g_queue_unlink(&user->free, &entry->turn.free);
        if (user->free.length == 0)
            g_queue_unlink(&scheduler->free, &user->turn.free);
    }
    entry->linked = FALSE;
}

void
scd_scheduler_add(ScdScheduler *scheduler, ScdSchedulerEntry *entry, guint32 uid, gpointer owner)
{
    ScdSchedulerUser *user = g_hash_table_lookup(scheduler->users, GUINT_TO_POINTER(uid));

    if (!user) {
        user = g_new0(ScdSchedulerUser, 1);
        user->uid = uid;
        user->turn.any.data = user;
        user->turn.free.data = user;
        g_hash_table_insert(scheduler->users, GUINT_TO_POINTER(uid), user);
    }
    user->n_entries++;
    *entry = (ScdSchedulerEntry){.user = user, .owner = owner};
    entry->turn.any.data = entry;
    entry->turn.free.data = entry;
}

void
scd_scheduler_remove(ScdScheduler *scheduler, ScdSchedulerEntry *entry)
{
    ScdSchedulerUser *user = entry->user;

    scd_scheduler_rest(scheduler, entry);
    if (scheduler->holder == entry)
        scheduler->holder = NULL;
    if (--user->n_entries == 0)
        g_hash_table_remove(scheduler->users, GUINT_TO_POINTER(user->uid));
}

void
scd_scheduler_wait(ScdScheduler *scheduler, ScdSchedulerEntry *entry, gboolean needs_card,
                   gboolean first)
{
    if (entry->waits && entry->needs_card == needs_card && !first)
        return;
    unlink_entry(scheduler, entry);
    entry->waits = TRUE;
    entry->needs_card = needs_card;
    if (first)
        entry->turn.urgent = entry->user->turn.urgent = TRUE;
    if (entry != scheduler->holder)
        link_entry(scheduler, entry, first);
}

void
scd_scheduler_rest(ScdScheduler *scheduler, ScdSchedulerEntry *entry)
{
    unlink_entry(scheduler, entry);
    entry->waits = FALSE;
    entry->turn.debt_us = 0;
    entry->turn.urgent = FALSE;
    if (entry->user->any.length > 0)
        return;
    entry->user->turn.debt_us = 0;
    entry->user->turn.urgent = FALSE;
}

static void
move_to_end(GQueue *ring, GList *link)
{
    g_queue_unlink(ring, link);
    g_queue_push_tail_link(ring, link);
}

void
scd_scheduler_begin(ScdScheduler *scheduler, ScdSchedulerEntry *entry)
{
    ScdSchedulerUser *user = entry->user;

    unlink_entry(scheduler, entry);
    entry->waits = FALSE;
    entry->turn.urgent = user->turn.urgent = FALSE;
    scheduler->holder_was_last = entry == scheduler->holder;
    if (scheduler->holder_was_last)
        return;
    if (user->any.length > 0)
        move_to_end(&scheduler->any, &user->turn.any);
    if (user->free.length > 0)
        move_to_end(&scheduler->free, &user->turn.free);
}

static void
add_debt(ScdSchedulerTurn *turn, gint64 used_us)
{
    turn->debt_us =
        CLAMP(turn->debt_us + used_us - SCD_SCHEDULER_QUANTUM_US, 0, SCD_SCHEDULER_DEBT_MAX_US);
}

void
scd_scheduler_charge(ScdScheduler *scheduler, ScdSchedulerEntry *entry, gint64 used_us)
{
    ScdSchedulerUser *user = entry->user;
    guint own = user->any.length > 0 ? 1 : 0;

    if (scheduler->any.length > own)
        add_debt(&user->turn, used_us);
    if (user->any.length > (entry->linked ? 1 : 0))
        add_debt(&entry->turn, used_us);
}

void
scd_scheduler_set_holder(ScdScheduler *scheduler, ScdSchedulerEntry *entry)
{
    ScdSchedulerEntry *last = scheduler->holder;

    if (last == entry)
        return;
    scheduler->holder = entry;
    scheduler->holder_was_last = TRUE;
    if (last && last->waits)
        link_entry(scheduler, last, FALSE);
    if (entry)
        unlink_entry(scheduler, entry);
}

/* The data of the first link in the ring that may have its turn. */
static gpointer
pick(GQueue *ring, gsize turn_offset)
{
    while (ring->length > 1) {
        ScdSchedulerTurn *turn = &G_STRUCT_MEMBER(ScdSchedulerTurn, ring->head->data, turn_offset);
        if (turn->urgent || turn->debt_us < SCD_SCHEDULER_QUANTUM_US)
            break;
        turn->debt_us -= SCD_SCHEDULER_QUANTUM_US;
        g_queue_push_tail_link(ring, g_queue_pop_head_link(ring));
    }
    return g_queue_peek_head(ring);
}

static gpointer
pick_owner(ScdScheduler *scheduler, gboolean any)
{
    ScdSchedulerUser *user =
        pick(any ? &scheduler->any : &scheduler->free, G_STRUCT_OFFSET(ScdSchedulerUser, turn));
    if (!user)
        return NULL;
    ScdSchedulerEntry *entry =
        pick(any ? &user->any : &user->free, G_STRUCT_OFFSET(ScdSchedulerEntry, turn));
    return entry->owner;
}

gpointer
scd_scheduler_next(ScdScheduler *scheduler, gboolean card_ready)
{
    const ScdSchedulerEntry *holder = scheduler->holder;

    if (!holder)
        return pick_owner(scheduler, card_ready);
    gboolean can = holder->waits && (card_ready || !holder->needs_card);
    if (can && (!scheduler->holder_was_last || scheduler->free.length == 0))
        return holder->owner;
    return pick_owner(scheduler, FALSE);
}

gboolean
scd_scheduler_holder_blocks(const ScdScheduler *scheduler)
{
    return scheduler->holder && scheduler->n_card > 0;
}

void
scd_hold_limit_init(ScdHoldLimit *limit, guint idle_limit_ms, guint total_limit_ms)
{
    *limit = (ScdHoldLimit){
        .idle_limit_us = (gint64)idle_limit_ms * G_TIME_SPAN_MILLISECOND,
        .total_limit_us = (gint64)total_limit_ms * G_TIME_SPAN_MILLISECOND,
        .blocking_since = -1,
    };
}

void
scd_hold_limit_begin(ScdHoldLimit *limit, gint64 now)
{
    limit->idle_since = now;
    limit->blocking_since = -1;
    limit->blocked_us = 0;
}

void
scd_hold_limit_command_ended(ScdHoldLimit *limit, gint64 now)
{
    limit->idle_since = now;
}

void
scd_hold_limit_add_busy(ScdHoldLimit *limit, gint64 duration_us)
{
    limit->idle_since += duration_us;
}

static gboolean
is_blocking(const ScdHoldLimit *limit)
{
    return limit->blocking_since >= 0;
}

void
scd_hold_limit_set_blocking(ScdHoldLimit *limit, gboolean blocking, gint64 now)
{
    if (blocking == is_blocking(limit))
        return;
    if (!blocking)
        limit->blocked_us += now - limit->blocking_since;
    limit->blocking_since = blocking ? now : -1;
}

gint64
scd_hold_limit_idle_end(const ScdHoldLimit *limit)
{
    return is_blocking(limit) ? limit->idle_since + limit->idle_limit_us : G_MAXINT64;
}

gint64
scd_hold_limit_total_end(const ScdHoldLimit *limit)
{
    return is_blocking(limit) ? limit->blocking_since + limit->total_limit_us - limit->blocked_us
                              : G_MAXINT64;
}

void
scd_contention_busy(ScdContention *contention, gint64 now)
{
    contention->retry_interval_us =
        CLAMP(2 * contention->retry_interval_us, RETRY_INTERVAL_MIN_US, RETRY_INTERVAL_MAX_US);
    contention->retry_at = now + contention->retry_interval_us;
    contention->busy_at = now;
}

gboolean
scd_contention_is_busy(const ScdContention *contention)
{
    return contention->retry_interval_us > 0;
}

void
scd_contention_free(ScdContention *contention)
{
    contention->retry_interval_us = 0;
    contention->retry_at = 0;
}

void
scd_contention_begin(ScdContention *contention, gint64 now)
{
    if (now - contention->ended_at >= (contention->rest_us > 0 ? contention->rest_us : GAP_US))
        contention->used_since = now;
}

void
scd_contention_end(ScdContention *contention, gint64 now)
{
    gboolean known = contention->busy_at > 0 && now - contention->busy_at < MEMORY_US;
    const Rest *rest = known ? &beside_others : &alone;

    contention->ended_at = now;
    contention->rest_us = now - contention->used_since >= rest->use_us ? rest->rest_us : 0;
}

gint64
scd_contention_retry_at(const ScdContention *contention, gboolean begins)
{
    gint64 rested_at = begins ? contention->ended_at + contention->rest_us : 0;
    return MAX(contention->retry_at, rested_at);
}

void
scd_queue_places_init(ScdQueuePlaces *places, struct ScdJobQueue *queue)
{
    for (guint i = 0; i < SCD_N_LISTS; i++)
        places->in[i].link.data = queue;
}

void
scd_queue_group_list_locked(ScdQueueGroup *group, ScdQueueList list, ScdQueuePlaces *places,
                            gboolean is_in)
{
    GList *link = &places->in[list].link;

    if (places->in[list].is_in == is_in)
        return;
    places->in[list].is_in = is_in;
    if (is_in)
        g_queue_push_tail_link(&group->lists[list], link);
    else
        g_queue_unlink(&group->lists[list], link);
}

ScdQueueGroup *
scd_queue_group_new(const ScdQueueGroupOptions *options)
{
    ScdQueueGroup *group = g_new0(ScdQueueGroup, 1);
    group->options = *options;
    g_mutex_init(&group->lock);
    g_cond_init(&group->answered);
    scd_scheduler_init(&group->scheduler);
    scd_hold_limit_init(&group->hold_limit, options->transaction_idle_limit_ms,
                        options->transaction_total_limit_ms);
    group->expires_at = G_MAXINT64;
    return group;
}

void
scd_queue_group_free(ScdQueueGroup *group)
{
    g_assert(group->lists[SCD_LIST_ALL].length == 0);
    scd_scheduler_clear(&group->scheduler);
    g_cond_clear(&group->answered);
    g_mutex_clear(&group->lock);
    g_free(group);
}

gboolean
scd_queue_group_is_empty_locked(const ScdQueueGroup *group)
{
    return group->lists[SCD_LIST_ALL].length == 0;
}

guint
scd_queue_group_count_connected_locked(const ScdQueueGroup *group)
{
    return group->lists[SCD_LIST_CONNECTED].length;
}

struct ScdJobQueue *
scd_queue_group_next_locked(ScdQueueGroup *group, gboolean card_ready)
{
    return scd_scheduler_next(&group->scheduler, card_ready);
}

struct ScdJobQueue *
scd_queue_group_holder_locked(const ScdQueueGroup *group)
{
    return group->scheduler.holder ? group->scheduler.holder->owner : NULL;
}

struct ScdJobQueue *
scd_queue_group_take_removal_locked(ScdQueueGroup *group)
{
    gboolean removed = group->card_removed;

    group->card_removed = FALSE;
    return removed ? scd_queue_group_holder_locked(group) : NULL;
}

static void
note_blocking_locked(ScdQueueGroup *group)
{
    gboolean blocking = scd_scheduler_holder_blocks(&group->scheduler);

    if (blocking != is_blocking(&group->hold_limit))
        scd_hold_limit_set_blocking(&group->hold_limit, blocking, g_get_monotonic_time());
}

void
scd_queue_group_wait_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry, gboolean needs_card,
                            gboolean first)
{
    scd_scheduler_wait(&group->scheduler, entry, needs_card, first);
    note_blocking_locked(group);
}

void
scd_queue_group_rest_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry)
{
    scd_scheduler_rest(&group->scheduler, entry);
    note_blocking_locked(group);
}

void
scd_queue_group_remove_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry)
{
    scd_scheduler_remove(&group->scheduler, entry);
    note_blocking_locked(group);
}

void
scd_queue_group_set_limit(ScdQueueGroup *group, gint64 limit)
{
    if (limit != G_MAXINT64)
        group->options.limit_set(limit, group->options.limit_data);
}

void
scd_queue_group_begin_turn_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry, gint64 now)
{
    g_assert(!group->turn);
    scd_scheduler_begin(&group->scheduler, entry);
    note_blocking_locked(group);
    group->turn = entry;
    group->turn_since = now;
}

void
scd_queue_group_turn_ends_in_worker(ScdQueueGroup *group)
{
    g_atomic_int_set(&group->turn_ends, TRUE);
}

gboolean
scd_queue_group_is_busy_locked(const ScdQueueGroup *group)
{
    return group->turn && !g_atomic_int_get(&group->turn_ends);
}

void
scd_queue_group_end_turn_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry, gint64 now)
{
    g_assert(group->turn == entry);
    scd_scheduler_charge(&group->scheduler, entry, now - group->turn_since);
    group->turn = NULL;
    g_atomic_int_set(&group->turn_ends, FALSE);
}

void
scd_queue_group_note_holder_locked(ScdQueueGroup *group, ScdSchedulerEntry *entry, gboolean holds,
                                   ScdHoldActivity activity, gint64 now)
{
    gboolean held = group->scheduler.holder == entry;

    if (holds && !held) {
        scd_scheduler_set_holder(&group->scheduler, entry);
        scd_hold_limit_begin(&group->hold_limit, now);
        scd_contention_begin(&group->contention, now);
        note_blocking_locked(group);
    } else if (held && !holds) {
        scd_contention_end(&group->contention, now);
        scd_queue_group_end_holding_locked(group);
    } else if (held && activity == SCD_HOLD_COMMAND) {
        scd_hold_limit_command_ended(&group->hold_limit, now);
    } else if (held && activity == SCD_HOLD_BUSY) {
        scd_hold_limit_add_busy(&group->hold_limit, now - group->turn_since);
    }
}

void
scd_queue_group_end_holding_locked(ScdQueueGroup *group)
{
    scd_scheduler_set_holder(&group->scheduler, NULL);
    note_blocking_locked(group);
}

gint64
scd_queue_group_hold_end_locked(const ScdQueueGroup *group, gboolean idle)
{
    gint64 end = scd_hold_limit_total_end(&group->hold_limit);
    return idle ? MIN(end, scd_hold_limit_idle_end(&group->hold_limit)) : end;
}
