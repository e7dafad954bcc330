/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/queue-group.h"

void
scd_queue_place_set(GQueue *list, ScdQueuePlace *place, gboolean is_in)
{
    if (place->is_in == is_in)
        return;
    place->is_in = is_in;
    if (is_in)
        g_queue_push_tail_link(list, &place->link);
    else
        g_queue_unlink(list, &place->link);
}

ScdQueueGroup *
scd_queue_group_new(const ScdQueueGroupOptions *options)
{
    ScdQueueGroup *group = g_new0(ScdQueueGroup, 1);
    group->options = *options;
    g_mutex_init(&group->lock);
    scd_scheduler_init(&group->scheduler);
    scd_hold_limit_init(&group->hold_limit, options->transaction_idle_limit_ms,
                        options->transaction_total_limit_ms);
    group->expires_at = G_MAXINT64;
    return group;
}

void
scd_queue_group_free(ScdQueueGroup *group)
{
    g_assert(group->queues.length == 0);
    scd_scheduler_clear(&group->scheduler);
    g_mutex_clear(&group->lock);
    g_free(group);
}

gboolean
scd_queue_group_is_empty_locked(const ScdQueueGroup *group)
{
    return group->queues.length == 0;
}

guint
scd_queue_group_count_connected_locked(const ScdQueueGroup *group)
{
    return group->connected.length;
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

static void
note_blocking_locked(ScdQueueGroup *group)
{
    gboolean blocking = scd_scheduler_holder_blocks(&group->scheduler);

    if (blocking != scd_hold_limit_is_blocking(&group->hold_limit))
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
        note_blocking_locked(group);
    } else if (held && !holds) {
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
