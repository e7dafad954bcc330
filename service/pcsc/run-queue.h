/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whose turn it is on a reader. Whoever holds the transaction has all run_queue;
 * else they go round, in the order in which the waiting came. No time, no
 * thread: the worker asks, under its lock.
 */

#include <glib.h>

typedef struct {
    GQueue waiting;
    gpointer holder; /* of the transaction, or NULL */
} ScdRunQueue;

void scd_run_queue_init(ScdRunQueue *run_queue);
void scd_run_queue_clear(ScdRunQueue *run_queue);

/* At the end of the queue; one who is in it already stays where it is. */
void scd_run_queue_enqueue(ScdRunQueue *run_queue, gpointer who);

/* As the next one, after the holder: for what must not wait any longer. */
void scd_run_queue_enqueue_first(ScdRunQueue *run_queue, gpointer who);

/* Neither waits nor holds any more. */
void scd_run_queue_remove(ScdRunQueue *run_queue, gpointer who);

/* Has had its turn, or needs none any more. */
void scd_run_queue_dequeue(ScdRunQueue *run_queue, gpointer who);

/* NULL when nobody waits. The holder has its turn whether it wants one or not. */
gpointer scd_run_queue_next(const ScdRunQueue *run_queue);

/* Whether anybody but the holder waits. */
gboolean scd_run_queue_has_waiting(const ScdRunQueue *run_queue);
