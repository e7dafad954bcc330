/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A card on the bus, from its insertion to its removal. Only LoginCandidate of its properties
 * may change: another card, or the same one inserted again, is another object. The number in its
 * path is never used again, not even after a restart of the service.
 */

#include "base/card-list.h"
#include "base/settings.h"
#include "bus/object.h"
#include "pcsc/snapshot.h"

typedef struct ScdCard ScdCard;

/* All of it must outlive the card. */
typedef struct {
    ScdTree *tree;
    const ScdInterface *interface;
    gpointer reader; /* passed to the methods */
    const char *reader_path;
    const ScdCardList *card_list; /* the names of cards by ATR, or NULL */
    ScdSettings *const *settings; /* the present ones */
} ScdCardParts;

/* Adds the card to the tree. Fails if its path is in use. */
ScdCard *scd_card_new(const ScdCardParts *parts, const ScdReaderState *state, GError **error);
void scd_card_free(ScdCard *card);

/* Updates LoginCandidate when the settings were read again. */
void scd_card_apply_settings(ScdCard *card);

/* Ends calls to its object. To be called before the signal that announces the removal. */
void scd_card_withdraw(ScdCard *card);

const char *scd_card_path(const ScdCard *card);

/* Returns the number in the path of a card, present or removed; 0 for any other path. */
guint64 scd_card_number_of_path(const char *path);

/* Returns whether this process has had a card with this number. */
gboolean scd_card_was_here(guint64 number);

/* Returns whether this process, or an earlier one since boot, may have had a card at this path. */
gboolean scd_card_was_used(const char *path);

const char *scd_card_atr_hex(const ScdCard *card);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdCard, scd_card_free)
