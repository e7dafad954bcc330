/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The cards that count for a login: LoginCards= in the settings, which has the ATRs of cards, with
 * masks, and their names in the list of cards.
 */

#include <glib.h>

typedef struct ScdLoginCards ScdLoginCards;

/* Returns an empty list: no card counts. */
ScdLoginCards *scd_login_cards_new(void);
void scd_login_cards_free(ScdLoginCards *cards);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdLoginCards, scd_login_cards_free)

/*
 * Adds the cards of a value: "atr HEX", "atr HEX mask HEX" or "name PATTERN", any number of them,
 * quoted as in a shell. An empty value removes all that were added before. Returns a warning in
 * English, which the caller frees, and adds nothing; or NULL.
 */
char *scd_login_cards_add(ScdLoginCards *cards, const char *value);

/* Returns whether there are names, for which the list of cards is needed. */
gboolean scd_login_cards_have_names(const ScdLoginCards *cards);

/*
 * Returns whether a card counts. A mute card, which has no ATR, never does. names: those that the
 * list of cards has for the ATR.
 */
gboolean scd_login_cards_has(const ScdLoginCards *cards, const guint8 *atr, gsize length,
                             const char *const *names);
