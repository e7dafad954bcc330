/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Decides when a session is to be locked because the card of its login is gone. Reports and times
 * go in, decisions come out; it has no bus, no clock and no files.
 *
 *   the card is gone, its reader is there     lock at once
 *   the reader is gone                        lock unless it is back with the card in time;
 *                                             a reader is not empty before it is gone
 *   the service or pcscd is away              the same, with a longer time
 *   the reader is back without the card       lock, after pcscd had the time to power a card
 *   the card was swapped or put back          lock at once
 *   the card is back after that               watch it again; nothing is ever unlocked
 */

#include <stdint.h>

#include "record.h"
#include "watch.h"

#define LGN_US_PER_S UINT64_C(1000000)

/* Time for pcscd to power a card in a reader that is back. */
#define LGN_POWER_UP_US (2 * LGN_US_PER_S)

typedef struct {
    uint64_t reader_grace_us;  /* for a reader that is unplugged, and for suspend */
    uint64_t service_grace_us; /* for the service or pcscd */
} LgnGrace;

typedef enum {
    LGN_CARD_IN,   /* or not known yet */
    LGN_CARD_AWAY, /* the session is locked at the deadline */
    LGN_CARD_GONE, /* the session was locked for that */
} LgnCardState;

typedef struct {
    const LgnRecord *record; /* of the session; the owner of the policy owns it */
    LgnGrace grace;
    LgnCardState state;
    char *card; /* object path while LGN_CARD_IN; NULL before the first report */

    /* While LGN_CARD_AWAY. */
    uint64_t away_since_us;
    uint64_t deadline_us;
} LgnPolicy;

void lgn_policy_init(LgnPolicy *policy, const LgnRecord *record, const LgnGrace *grace);
void lgn_policy_clear(LgnPolicy *policy);

/* Both return whether the session is to be locked now. now_us: on any clock, always the same. */
bool lgn_policy_apply_report(LgnPolicy *policy, const LgnReport *report, uint64_t now_us);
bool lgn_policy_apply_time(LgnPolicy *policy, uint64_t now_us);

/* Returns when to call lgn_policy_apply_time(); UINT64_MAX if it is not necessary. */
uint64_t lgn_policy_deadline(const LgnPolicy *policy);
