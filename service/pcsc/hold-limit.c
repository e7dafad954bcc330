/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/hold-limit.h"

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
