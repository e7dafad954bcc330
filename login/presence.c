/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "presence.h"

#include <string.h>

void
lgn_presence_init(LgnPresence *presence, const LgnRecord *record, const LgnGrace *grace)
{
    *presence = (LgnPresence){.record = record, .grace = *grace, .state = LGN_CARD_IN};
}

void
lgn_presence_clear(LgnPresence *presence)
{
    free(presence->card);
    presence->card = NULL;
}

static void
set_card(LgnPresence *presence, const char *card)
{
    free(presence->card);
    presence->card = card ? strdup(card) : NULL;
}

static bool
note_removal(LgnPresence *presence)
{
    presence->state = LGN_CARD_GONE;
    set_card(presence, NULL);
    return true;
}

/*
 * The time begins when the card went out of sight, and the longest one counts: a pcscd that
 * restarts again and again does not prolong it.
 */
static bool
wait_for_card(LgnPresence *presence, uint64_t grace_us, uint64_t now_us)
{
    if (presence->state == LGN_CARD_IN) {
        presence->state = LGN_CARD_AWAY;
        presence->away_since_us = presence->deadline_us = now_us;
        presence->look_ends_us = 0;
    }
    if (presence->deadline_us < presence->away_since_us + grace_us)
        presence->deadline_us = presence->away_since_us + grace_us;
    return false;
}

/* The card is in its reader. */
static bool
apply_card(LgnPresence *presence, const LgnReader *reader, bool was_out_of_sight)
{
    bool is_same = !presence->card || strcmp(presence->card, reader->card) == 0;
    bool was_pulled = presence->state == LGN_CARD_IN && !is_same && !was_out_of_sight;

    presence->state = LGN_CARD_IN;
    set_card(presence, reader->card);
    return was_pulled;
}

/* The reader is there, and the card is not in it. */
static bool
apply_empty_reader(LgnPresence *presence, const LgnReader *reader, bool was_out_of_sight,
                   uint64_t now_us)
{
    bool has_other_card = reader->card && *reader->atr;

    if (has_other_card || (presence->state == LGN_CARD_IN && !was_out_of_sight))
        return note_removal(presence);
    if (presence->state == LGN_CARD_IN)
        return wait_for_card(presence, LGN_POWER_UP_US, now_us);
    if (presence->deadline_us > now_us + LGN_POWER_UP_US)
        presence->deadline_us = now_us + LGN_POWER_UP_US;
    return false;
}

/* Returns whether the card was pulled. */
static bool
follow_report(LgnPresence *presence, const LgnReport *report, uint64_t now_us)
{
    const LgnReader *reader =
        report->list ? lgn_reader_list_find(report->list, presence->record->reader) : NULL;
    bool was_out_of_sight = report->was_away || report->is_around_sleep ||
                            lgn_report_has_gone(report, presence->record->reader);

    if (reader && reader->card && strcmp(reader->atr, presence->record->atr) == 0)
        return apply_card(presence, reader, was_out_of_sight);
    if (presence->state == LGN_CARD_GONE)
        return false;
    if (!report->list)
        return wait_for_card(presence, presence->grace.service_grace_us, now_us);
    if (!reader || reader->is_unplugged || (!reader->card && !reader->is_empty))
        return wait_for_card(presence, presence->grace.reader_grace_us, now_us);
    return apply_empty_reader(presence, reader, was_out_of_sight, now_us);
}

bool
lgn_presence_apply_report(LgnPresence *presence, const LgnReport *report, uint64_t now_us)
{
    if (follow_report(presence, report, now_us))
        return true;
    if (presence->state != LGN_CARD_AWAY)
        return false;
    bool has_time = presence->deadline_us > presence->away_since_us;
    if ((presence->look_ends_us > 0 || !has_time) && now_us >= presence->deadline_us)
        return note_removal(presence);
    presence->look_ends_us = 0;
    return false;
}

LgnVerdict
lgn_presence_apply_time(LgnPresence *presence, uint64_t now_us)
{
    if (now_us < lgn_presence_deadline(presence))
        return LGN_NOTHING_TO_DO;
    if (presence->look_ends_us == 0) {
        presence->look_ends_us = now_us + LGN_LOOK_US;
        return LGN_LOOK_AGAIN;
    }
    note_removal(presence);
    return LGN_CARD_IS_GONE;
}

uint64_t
lgn_presence_deadline(const LgnPresence *presence)
{
    if (presence->state != LGN_CARD_AWAY)
        return UINT64_MAX;
    return presence->look_ends_us > 0 ? presence->look_ends_us : presence->deadline_us;
}
