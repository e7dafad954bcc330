/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lock-policy.h"

#include <string.h>

void
lgn_policy_init(LgnPolicy *policy, const LgnRecord *record, const LgnGrace *grace)
{
    *policy = (LgnPolicy){.record = record, .grace = *grace, .state = LGN_CARD_IN};
}

void
lgn_policy_clear(LgnPolicy *policy)
{
    free(policy->card);
    policy->card = NULL;
}

static void
set_card(LgnPolicy *policy, const char *card)
{
    free(policy->card);
    policy->card = card ? strdup(card) : NULL;
}

static bool
lock(LgnPolicy *policy)
{
    policy->state = LGN_CARD_GONE;
    set_card(policy, NULL);
    return true;
}

/*
 * The time begins when the card went out of sight, and the longest one counts: a pcscd that
 * restarts again and again does not prolong it.
 */
static bool
wait_for_card(LgnPolicy *policy, uint64_t grace_us, uint64_t now_us)
{
    if (policy->state == LGN_CARD_IN) {
        policy->state = LGN_CARD_AWAY;
        policy->away_since_us = policy->deadline_us = now_us;
    }
    if (policy->deadline_us < policy->away_since_us + grace_us)
        policy->deadline_us = policy->away_since_us + grace_us;
    return false;
}

/* The card is in its reader. */
static bool
apply_card(LgnPolicy *policy, const LgnReader *reader, bool was_out_of_sight)
{
    bool is_same = !policy->card || strcmp(policy->card, reader->card) == 0;
    bool was_pulled = policy->state == LGN_CARD_IN && !is_same && !was_out_of_sight;

    policy->state = LGN_CARD_IN;
    set_card(policy, reader->card);
    return was_pulled;
}

/* The reader is there, and the card is not in it. */
static bool
apply_empty_reader(LgnPolicy *policy, const LgnReader *reader, bool was_out_of_sight,
                   uint64_t now_us)
{
    bool has_other_card = reader->card && *reader->atr;

    if (has_other_card || (policy->state == LGN_CARD_IN && !was_out_of_sight))
        return lock(policy);
    if (policy->state == LGN_CARD_IN)
        return wait_for_card(policy, LGN_POWER_UP_US, now_us);
    if (policy->deadline_us > now_us + LGN_POWER_UP_US)
        policy->deadline_us = now_us + LGN_POWER_UP_US;
    return false;
}

bool
lgn_policy_apply_report(LgnPolicy *policy, const LgnReport *report, uint64_t now_us)
{
    const LgnReader *reader =
        report->list ? lgn_reader_list_find(report->list, policy->record->reader) : NULL;
    bool was_out_of_sight = report->was_away || lgn_report_has_gone(report, policy->record->reader);

    if (reader && reader->card && strcmp(reader->atr, policy->record->atr) == 0)
        return apply_card(policy, reader, was_out_of_sight);
    if (policy->state == LGN_CARD_GONE)
        return false;
    if (!report->list)
        return wait_for_card(policy, policy->grace.service_grace_us, now_us);
    if (!reader || (!reader->card && !reader->is_empty))
        return wait_for_card(policy, policy->grace.reader_grace_us, now_us);
    return apply_empty_reader(policy, reader, was_out_of_sight, now_us);
}

bool
lgn_policy_apply_time(LgnPolicy *policy, uint64_t now_us)
{
    return policy->state == LGN_CARD_AWAY && now_us >= policy->deadline_us ? lock(policy) : false;
}

uint64_t
lgn_policy_deadline(const LgnPolicy *policy)
{
    return policy->state == LGN_CARD_AWAY ? policy->deadline_us : UINT64_MAX;
}
