/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/card-sharing.h"

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

void
scd_hold_limit_set_blocking(ScdHoldLimit *limit, gboolean blocking, gint64 now)
{
    if (blocking == scd_hold_limit_is_blocking(limit))
        return;
    if (!blocking)
        limit->blocked_us += now - limit->blocking_since;
    limit->blocking_since = blocking ? now : -1;
}

gboolean
scd_hold_limit_is_blocking(const ScdHoldLimit *limit)
{
    return limit->blocking_since >= 0;
}

gint64
scd_hold_limit_idle_end(const ScdHoldLimit *limit)
{
    return scd_hold_limit_is_blocking(limit) ? limit->idle_since + limit->idle_limit_us
                                             : G_MAXINT64;
}

gint64
scd_hold_limit_total_end(const ScdHoldLimit *limit)
{
    return scd_hold_limit_is_blocking(limit)
               ? limit->blocking_since + limit->total_limit_us - limit->blocked_us
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
