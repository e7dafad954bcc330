/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Cards that a command has seen, across restarts of pcscd and of the service: a card with the same
 * ATR in the same reader is then the same one. A card that is not there again after a few seconds,
 * or when another one is in the reader, has been removed.
 */

#include "event.h"

typedef struct {
    void (*returned)(SmartcarddCard *card, gpointer data); /* after a restart; NULL for none */
    void (*removed)(SmartcarddCard *card, gpointer data);  /* NULL for none */
} CtlSeenCardsFunctions;

typedef struct CtlSeenCards CtlSeenCards;

CtlSeenCards *ctl_seen_cards_new(const CtlSeenCardsFunctions *functions, gpointer data);
void ctl_seen_cards_free(CtlSeenCards *seen);

void ctl_seen_cards_add(CtlSeenCards *seen, SmartcarddCard *card);
guint ctl_seen_cards_count(const CtlSeenCards *seen);

/* Takes each event. Returns whether it is that of a card that was seen before. */
gboolean ctl_seen_cards_handle(CtlSeenCards *seen, const CtlEvent *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlSeenCards, ctl_seen_cards_free)
