/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A card on the bus, from its insertion to its removal. Nothing about it ever
 * changes: another card, or the same one put in again, is another object with a
 * number that was never used before.
 */

#include "base/card-list.h"
#include "bus/sessions.h"
#include "bus/tree.h"
#include "pcsc/snapshot.h"

typedef struct ScdCard ScdCard;

/* card_list: what ATRs are known as, or NULL. */
ScdCard *scd_card_new(ScdTree *tree, ScdSessions *sessions, const ScdCardList *card_list,
                      ScdReader *reader, const ScdReaderState *state, GError **error);
void scd_card_free(ScdCard *card);

const char *scd_card_path(const ScdCard *card);
/* Whether a card may have, or have had, that path. */
gboolean scd_card_is_path(const char *path);

const char *scd_card_atr_hex(const ScdCard *card);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdCard, scd_card_free)
