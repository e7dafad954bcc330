/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Remembers the cards that a command has seen, across restarts of pcscd and of the service. After a
 * restart, a card with the same ATR in the same reader counts as the same card. A card counts as
 * removed if it is not back within a few seconds, or if another card is in its reader.
 */

#include "event.h"

typedef struct {
    void (*returned)(SmartcarddCard *card, gpointer data); /* after a restart; NULL for none */
    void (*removed)(SmartcarddCard *card, gpointer data);  /* NULL for none */
} CtlSeenCardsFunctions;

typedef struct CtlSeenCards CtlSeenCards;

CtlSeenCards *ctl_seen_cards_new(const CtlSeenCardsFunctions *functions, gpointer data);
void ctl_seen_cards_free(CtlSeenCards *seen);

/* card: a reference is kept until the card is removed */
void ctl_seen_cards_add(CtlSeenCards *seen, SmartcarddCard *card);
guint ctl_seen_cards_count(const CtlSeenCards *seen);

/*
 * Handles an event; to be called for each one. Returns TRUE if the event is for a card that was
 * seen: it is back after a restart, or was removed.
 */
gboolean ctl_seen_cards_handle(CtlSeenCards *seen, const CtlEvent *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlSeenCards, ctl_seen_cards_free)
