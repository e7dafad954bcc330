/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/turns.h"

void
scd_turns_init(ScdTurns *turns)
{
    g_queue_init(&turns->waiting);
    turns->holder = NULL;
}

void
scd_turns_clear(ScdTurns *turns)
{
    g_queue_clear(&turns->waiting);
}

void
scd_turns_wait(ScdTurns *turns, gpointer who)
{
    if (who != turns->holder && !g_queue_find(&turns->waiting, who))
        g_queue_push_tail(&turns->waiting, who);
}

void
scd_turns_wait_first(ScdTurns *turns, gpointer who)
{
    g_queue_remove(&turns->waiting, who);
    if (who != turns->holder)
        g_queue_push_head(&turns->waiting, who);
}

void
scd_turns_done(ScdTurns *turns, gpointer who)
{
    g_queue_remove(&turns->waiting, who);
}

void
scd_turns_leave(ScdTurns *turns, gpointer who)
{
    scd_turns_done(turns, who);
    if (turns->holder == who)
        turns->holder = NULL;
}

gpointer
scd_turns_next(const ScdTurns *turns)
{
    return turns->holder ? turns->holder : g_queue_peek_head((GQueue *)&turns->waiting);
}

gboolean
scd_turns_others_wait(const ScdTurns *turns)
{
    return turns->waiting.length > 0;
}
