/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Computes when a transaction has kept others from the card for too long: when its
 * holder has sent no command to the card for the idle limit, or when others have
 * waited for the total limit, all times added up. Neither counts while no other
 * session waits.
 *
 * No clock, no thread: times are monotonic, in microseconds.
 */

#include <glib.h>

typedef struct {
    gint64 idle_limit_us;
    gint64 total_limit_us;
    gint64 idle_since;
    gint64 blocking_since; /* -1 while no other session waits */
    gint64 blocked_us;     /* before that */
} ScdHoldLimit;

void scd_hold_limit_init(ScdHoldLimit *limit, guint idle_limit_ms, guint total_limit_ms);

/* A transaction has begun; others do not wait yet. */
void scd_hold_limit_begin(ScdHoldLimit *limit, gint64 now);

/* The holder's command to the card has ended. */
void scd_hold_limit_command_ended(ScdHoldLimit *limit, gint64 now);

/* The holder's request took so long, which is no idleness: a PIN pad, for example. */
void scd_hold_limit_add_busy(ScdHoldLimit *limit, gint64 duration_us);

/* Others wait now, or no more. */
void scd_hold_limit_set_blocking(ScdHoldLimit *limit, gboolean blocking, gint64 now);
gboolean scd_hold_limit_is_blocking(const ScdHoldLimit *limit);

/* When the transaction is to end; G_MAXINT64 while no other session waits. */
gint64 scd_hold_limit_idle_end(const ScdHoldLimit *limit);
gint64 scd_hold_limit_total_end(const ScdHoldLimit *limit);
