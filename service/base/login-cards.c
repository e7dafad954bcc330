/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/login-cards.h"

#include "base/atr.h"
#include "base/bytes.h"

#define ATR "atr"
#define MASK "mask"
#define NAME "name"
#define FORM                                                                                     \
    "write \"atr HEX\", \"atr HEX mask HEX\" or \"name PATTERN\", with quotes around text that " \
    "has spaces"

typedef struct {
    GPatternSpec *name; /* NULL if it has an ATR */
    ScdAtrFilter atr;
} LoginCard;

struct ScdLoginCards {
    GPtrArray *cards; /* of LoginCard */
};

static void
free_card(gpointer data)
{
    LoginCard *card = data;

    g_clear_pointer(&card->name, g_pattern_spec_free);
    g_free(card);
}

ScdLoginCards *
scd_login_cards_new(void)
{
    ScdLoginCards *cards = g_new0(ScdLoginCards, 1);

    cards->cards = g_ptr_array_new_with_free_func(free_card);
    return cards;
}

void
scd_login_cards_free(ScdLoginCards *cards)
{
    g_ptr_array_unref(cards->cards);
    g_free(cards);
}

static GVariant *
parse_hex(const char *hex, GError **error)
{
    gsize length;
    g_autofree guint8 *bytes = scd_hex_to_bytes(hex, &length, error);

    return bytes != NULL ? g_variant_ref_sink(
                               g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1))
                         : NULL;
}

/* Consumes the words of one card. Returns a warning or NULL. */
static char *
take_atr(char ***words, GPtrArray *cards)
{
    const char *hex = (*words)[1];
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) atr = parse_hex(hex, &error);
    g_autoptr(GVariant) mask = NULL;
    ScdAtrFilter filter;

    *words += 2;
    if (error == NULL && g_strcmp0((*words)[0], MASK) == 0 && (*words)[1] != NULL) {
        mask = parse_hex((*words)[1], &error);
        *words += 2;
    }
    if (error != NULL || !scd_atr_filter_set(&filter, atr, mask, &error))
        return g_strdup_printf("atr %s: %s", hex, error->message);
    LoginCard *card = g_new0(LoginCard, 1);
    card->atr = filter;
    g_ptr_array_add(cards, card);
    return NULL;
}

static char *
take_card(char ***words, GPtrArray *cards)
{
    const char *keyword = (*words)[0];
    const char *value = (*words)[1];

    if (value != NULL && value[0] != '\0' && g_str_equal(keyword, ATR))
        return take_atr(words, cards);
    if (value == NULL || value[0] == '\0' || !g_str_equal(keyword, NAME))
        return g_strdup_printf("'%s' is not the beginning of a card: " FORM, keyword);
    LoginCard *card = g_new0(LoginCard, 1);
    card->name = g_pattern_spec_new(value);
    g_ptr_array_add(cards, card);
    *words += 2;
    return NULL;
}

char *
scd_login_cards_add(ScdLoginCards *cards, const char *value)
{
    g_autoptr(GPtrArray) added = g_ptr_array_new_with_free_func(free_card);
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *warning = NULL;

    if (value[0] == '\0') {
        g_ptr_array_set_size(cards->cards, 0);
        return NULL;
    }
    if (!g_shell_parse_argv(value, NULL, &words, &error))
        return g_strdup_printf("LoginCards: %s: " FORM, error->message);
    for (char **at = words; *at != NULL && warning == NULL;)
        warning = take_card(&at, added);
    if (warning != NULL)
        return g_strdup_printf("LoginCards: %s", warning);
    g_ptr_array_extend_and_steal(cards->cards, g_steal_pointer(&added));
    return NULL;
}

gboolean
scd_login_cards_have_names(const ScdLoginCards *cards)
{
    for (guint i = 0; i < cards->cards->len; i++) {
        const LoginCard *card = cards->cards->pdata[i];

        if (card->name != NULL)
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_name(const LoginCard *card, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (g_pattern_spec_match_string(card->name, *names))
            return TRUE;
    }
    return FALSE;
}

gboolean
scd_login_cards_has(const ScdLoginCards *cards, const guint8 *atr, gsize length,
                    const char *const *names)
{
    for (guint i = 0; length > 0 && i < cards->cards->len; i++) {
        const LoginCard *card = cards->cards->pdata[i];

        if (card->name != NULL ? has_name(card, names)
                               : scd_atr_filter_passes(&card->atr, atr, length))
            return TRUE;
    }
    return FALSE;
}
