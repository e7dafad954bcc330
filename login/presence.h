/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Decides when a card is gone for good, from reports and times. It uses no bus, no clock and no
 * file. A card is gone:
 *
 * - at once, if its reader is there without it, or if it was swapped or put back;
 * - if its reader is gone, or does not answer because it fails before it goes, unless both are back
 *   in time; a reader whose device the kernel has no more is gone, even if pcscd shows it as empty;
 * - if the service or pcscd is away, in the same way, with a longer time;
 * - if the reader is back without it, after pcscd had the time to power a card;
 * - if the reader is there without it around a suspend, in the same way: a reader that lost its
 *   power shows as empty, even while the kernel has not yet found out that it has to come back.
 *
 * Before a card counts as gone because a time is over, its owner looks at the readers once more.
 */

#include <stdint.h>

#include "record.h"
#include "watch.h"

#define LGN_US_PER_S UINT64_C(1000000)

/* Time for pcscd to power a card in a reader that is back. */
#define LGN_POWER_UP_US (2 * LGN_US_PER_S)

/* Time for the report of the last look, which may begin late on a busy machine. */
#define LGN_LOOK_US (1 * LGN_US_PER_S)

typedef struct {
    uint64_t reader_grace_us;  /* for a reader that is unplugged, and for suspend */
    uint64_t service_grace_us; /* for the service or pcscd */
} LgnGrace;

typedef enum {
    LGN_CARD_IN,   /* or not known yet */
    LGN_CARD_AWAY, /* it is gone at the deadline */
    LGN_CARD_GONE, /* until it is back */
} LgnCardState;

typedef enum {
    LGN_NOTHING_TO_DO,
    LGN_LOOK_AGAIN,   /* read the readers if the service is running, and apply the report */
    LGN_CARD_IS_GONE, /* once */
} LgnVerdict;

typedef struct {
    const LgnRecord *record; /* of the card; the owner of the presence owns it */
    LgnGrace grace;
    LgnCardState state;
    char *card; /* object path while LGN_CARD_IN; NULL before the first report */

    /* While LGN_CARD_AWAY. */
    uint64_t away_since_us;
    uint64_t deadline_us;
    uint64_t look_ends_us; /* of the last look, whose report may postpone the deadline; else 0 */
} LgnPresence;

void lgn_presence_init(LgnPresence *presence, const LgnRecord *record, const LgnGrace *grace);
void lgn_presence_clear(LgnPresence *presence);

/* Returns whether the card is gone now, once. now_us: on any clock, always the same. */
bool lgn_presence_apply_report(LgnPresence *presence, const LgnReport *report, uint64_t now_us);
LgnVerdict lgn_presence_apply_time(LgnPresence *presence, uint64_t now_us);

/* Returns when to call lgn_presence_apply_time(); UINT64_MAX if it is not necessary. */
uint64_t lgn_presence_deadline(const LgnPresence *presence);
