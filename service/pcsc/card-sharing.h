/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Computes how a card is shared: how long a transaction of a session may keep the others waiting
 * (ScdHoldLimit), and when to use a card that other PC/SC programs use as well (ScdContention).
 *
 * No clock, no thread: times are monotonic, in microseconds.
 */

#include <glib.h>

/*
 * Computes when a transaction has kept others from the card for too long: when its
 * holder has sent no command to the card for the idle limit, or when others have
 * waited for the total limit, all times added up. Neither counts while no other
 * session waits.
 */
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

/*
 * When to use a card that other PC/SC programs use through pcscd as well.
 *
 * pcscd does not signal the end of another program's transaction, and has no queue:
 * a program that waits tries again every 200 ms, and the first one to try while the
 * card is free gets it. So while another program holds the card, the worker tries
 * again too, at intervals that grow.
 *
 * Transactions of ours that follow each other without a gap would keep other
 * programs out for ever. So there is a pause now and then: a very short one, or, if
 * another program was seen in the last seconds, one that is longer than its interval.
 *
 * All zero to begin with.
 */
typedef struct {
    gint64 retry_interval_us; /* 0 while no other program holds the card */
    gint64 retry_at;
    gint64 busy_at; /* when another program was last seen; 0 for never */

    gint64 used_since; /* by transactions of ours that followed each other without a gap */
    gint64 ended_at;
    gint64 rest_us; /* the pause after that */
} ScdContention;

/* Another program was seen to hold the card. */
void scd_contention_busy(ScdContention *contention, gint64 now);

/* Whether one was seen to when the card was last tried. */
gboolean scd_contention_is_busy(const ScdContention *contention);

/* No other program holds it. */
void scd_contention_free(ScdContention *contention);

/* A transaction of ours begins, and ends. */
void scd_contention_begin(ScdContention *contention, gint64 now);
void scd_contention_end(ScdContention *contention, gint64 now);

/* The time from which to try a job that needs the card. begins: it begins a transaction. */
gint64 scd_contention_retry_at(const ScdContention *contention, gboolean begins);
