/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/neighbours.h"

#define MS G_TIME_SPAN_MILLISECOND

#define PAUSE_FIRST_US 500
#define PAUSE_LAST_US (10 * MS)

/* How long one who was met is remembered. */
#define MEMORY_US (10 * G_TIME_SPAN_SECOND)

/* What is a gap between two transactions, without our doing. */
#define GAP_US MS

/* After so much use without a gap, so long a gap. */
typedef struct {
    gint64 use_us;
    gint64 rest_us;
} Rest;

static const Rest alone = {10 * MS, MS / 5};
static const Rest beside_others = {1000 * MS, 220 * MS};

void
scd_neighbours_met(ScdNeighbours *neighbours, gint64 now)
{
    neighbours->pause_us = CLAMP(2 * neighbours->pause_us, PAUSE_FIRST_US, PAUSE_LAST_US);
    neighbours->look_at = now + neighbours->pause_us;
    neighbours->met_at = now;
}

void
scd_neighbours_gone(ScdNeighbours *neighbours)
{
    neighbours->pause_us = 0;
    neighbours->look_at = 0;
}

void
scd_neighbours_begun(ScdNeighbours *neighbours, gint64 now)
{
    if (now - neighbours->ended_at >= (neighbours->rest_us > 0 ? neighbours->rest_us : GAP_US))
        neighbours->used_since = now;
}

void
scd_neighbours_ended(ScdNeighbours *neighbours, gint64 now)
{
    gboolean known = neighbours->met_at > 0 && now - neighbours->met_at < MEMORY_US;
    const Rest *rest = known ? &beside_others : &alone;

    neighbours->ended_at = now;
    neighbours->rest_us = now - neighbours->used_since >= rest->use_us ? rest->rest_us : 0;
}

gint64
scd_neighbours_try_at(const ScdNeighbours *neighbours, gboolean begins)
{
    gint64 rested_at = begins ? neighbours->ended_at + neighbours->rest_us : 0;
    return MAX(neighbours->look_at, rested_at);
}
