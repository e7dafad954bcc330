/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/contention.h"

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
