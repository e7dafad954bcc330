/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/run-queue.h"

void
scd_run_queue_init(ScdRunQueue *run_queue)
{
    g_queue_init(&run_queue->waiting);
    run_queue->holder = NULL;
}

void
scd_run_queue_clear(ScdRunQueue *run_queue)
{
    g_queue_clear(&run_queue->waiting);
}

void
scd_run_queue_enqueue(ScdRunQueue *run_queue, gpointer who)
{
    if (who != run_queue->holder && !g_queue_find(&run_queue->waiting, who))
        g_queue_push_tail(&run_queue->waiting, who);
}

void
scd_run_queue_enqueue_first(ScdRunQueue *run_queue, gpointer who)
{
    g_queue_remove(&run_queue->waiting, who);
    if (who != run_queue->holder)
        g_queue_push_head(&run_queue->waiting, who);
}

void
scd_run_queue_dequeue(ScdRunQueue *run_queue, gpointer who)
{
    g_queue_remove(&run_queue->waiting, who);
}

void
scd_run_queue_remove(ScdRunQueue *run_queue, gpointer who)
{
    scd_run_queue_dequeue(run_queue, who);
    if (run_queue->holder == who)
        run_queue->holder = NULL;
}

gpointer
scd_run_queue_next(const ScdRunQueue *run_queue)
{
    return run_queue->holder ? run_queue->holder : g_queue_peek_head((GQueue *)&run_queue->waiting);
}

gboolean
scd_run_queue_has_waiting(const ScdRunQueue *run_queue)
{
    return run_queue->waiting.length > 0;
}
