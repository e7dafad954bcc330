/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any texts as values of LoginCards=, and any ATR and name of a card: these precede the values. */

#include "base/settings.h"

#include "fuzz.h"

typedef struct {
    const guint8 *atr;
    gsize length;
    const char *const *names;
} Card;

static gboolean
counts(const ScdLoginCards *cards, const Card *card)
{
    return scd_login_cards_has(cards, card->atr, card->length, card->names);
}

/* A value that is refused changes nothing; one that is not adds cards, unless it is empty. */
static void
add_value(ScdLoginCards *cards, const Card *card, const char *value)
{
    gboolean had_names = scd_login_cards_have_names(cards);
    gboolean counted = counts(cards, card);
    g_autofree char *warning = scd_login_cards_add(cards, value);

    if (warning != NULL) {
        g_assert_true(g_utf8_validate(warning, -1, NULL));
        g_assert_cmpint(scd_login_cards_have_names(cards), ==, had_names);
        g_assert_cmpint(counts(cards, card), ==, counted);
    } else if (*value == '\0') {
        g_assert_false(scd_login_cards_have_names(cards) || counts(cards, card));
    } else {
        g_assert_true(!counted || counts(cards, card));
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    g_autoptr(ScdLoginCards) cards = scd_login_cards_new();
    Card card;

    card.atr = scd_fuzz_take_bytes(&input, &card.length);
    g_autofree char *name = scd_fuzz_take_utf8(&input);
    const char *const names[] = {name, NULL};
    card.names = names;
    while (input.size > 0) {
        g_autofree char *value = scd_fuzz_take_utf8(&input);

        add_value(cards, &card, value);
    }
    g_assert_false(scd_login_cards_has(cards, card.atr, 0, names));
    return 0;
}
