/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The other programs on the machine that use the same card through pcscd.
 * Nothing tells us when one of them ends a transaction, or waits for the end of
 * ours: pcscd and libpcsclite keep no queue, they try again every 200 ms, and
 * whoever happens to try while the card is free has it.
 *
 * So while another program holds the card we look again, less and less often.
 * And since transactions of ours may follow one another without any gap, which
 * would keep others out for ever, we leave one now and then: a very short one,
 * or, when we have met somebody, one that lets everybody try.
 *
 * No clock, no thread: the worker tells the time (monotonic, microseconds).
 */

#include <glib.h>

/* All zero to begin with. */
typedef struct {
    gint64 retry_interval_us; /* between looks; 0 when nobody else holds the card */
    gint64 retry_at;
    gint64 busy_at; /* the last time; 0 for never */

    gint64 used_since; /* by transactions of ours, with no gap between them to speak of */
    gint64 ended_at;
    gint64 rest_us;
} ScdContention;

/* Somebody else holds the card. */
void scd_contention_busy(ScdContention *contention, gint64 now);

/* Nobody else does. */
void scd_contention_free(ScdContention *contention);

/* A transaction of ours. */
void scd_contention_begin(ScdContention *contention, gint64 now);
void scd_contention_end(ScdContention *contention, gint64 now);

/* When to try what needs the card: what begins a transaction, or something else. */
gint64 scd_contention_retry_at(const ScdContention *contention, gboolean begins);
