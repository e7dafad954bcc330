/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whose turn it is on a reader. Whoever holds the transaction has all turns;
 * else they go round, in the order in which the waiting came. No time, no
 * thread: the worker asks, under its lock.
 */

#include <glib.h>

typedef struct {
    GQueue waiting;
    gpointer holder; /* of the transaction, or NULL */
} ScdTurns;

void scd_turns_init(ScdTurns *turns);
void scd_turns_clear(ScdTurns *turns);

/* At the end of the queue; one who is in it already stays where it is. */
void scd_turns_wait(ScdTurns *turns, gpointer who);

/* As the next one, after the holder: for what must not wait any longer. */
void scd_turns_wait_first(ScdTurns *turns, gpointer who);

/* Neither waits nor holds any more. */
void scd_turns_leave(ScdTurns *turns, gpointer who);

/* Has had its turn, or needs none any more. */
void scd_turns_done(ScdTurns *turns, gpointer who);

/* NULL when nobody waits. The holder has its turn whether it wants one or not. */
gpointer scd_turns_next(const ScdTurns *turns);

/* Whether anybody but the holder waits. */
gboolean scd_turns_others_wait(const ScdTurns *turns);
