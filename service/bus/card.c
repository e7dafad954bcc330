/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/card.h"

#include <string.h>

#include "base/atr.h"
#include "base/bytes.h"

#define PATH_PREFIX SCD_ROOT_PATH "/cards/"

struct ScdCard {
    ScdCardParts parts;
    ScdObject *object;
    guint8 atr[SCD_ATR_SIZE_MAX];
    gsize atr_length;
    char **names;
};

static guint64 first_number, last_number; /* of the cards since the process started */

static GVariant *
bytes_to_variant(const guint8 *bytes, gsize length)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1);
}

static void
set_login_candidate(ScdCard *card)
{
    gboolean counts = scd_login_cards_has((*card->parts.settings)->login_cards, card->atr,
                                          card->atr_length, (const char *const *)card->names);

    scd_object_set(card->object, "LoginCandidate", g_variant_new_boolean(counts));
}

static void
set_properties(ScdCard *card)
{
    ScdObject *object = card->object;
    ScdAtr atr;
    scd_atr_parse(card->atr, card->atr_length, &atr, NULL);

    g_autofree char *hex = scd_hex_from_bytes(card->atr, card->atr_length);
    g_auto(GStrv) protocols = scd_atr_dup_protocols(&atr);

    scd_object_set(object, "Reader", g_variant_new_object_path(card->parts.reader_path));
    scd_object_set(object, "Atr", bytes_to_variant(card->atr, card->atr_length));
    scd_object_set(object, "AtrHex", g_variant_new_string(hex));
    scd_object_set(object, "Protocols", g_variant_new_strv((const char *const *)protocols, -1));
    scd_object_set(object, "HistoricalBytes",
                   bytes_to_variant(atr.bytes + atr.historical_offset, atr.n_historical));
    scd_object_set(object, "Names", g_variant_new_strv((const char *const *)card->names, -1));
    scd_object_set(object, "Contactless", g_variant_new_boolean(scd_atr_is_contactless(&atr)));
    set_login_candidate(card);
}

static void
set_card(ScdCard *card, const ScdReaderState *state)
{
    const ScdCardList *list = card->parts.card_list;

    memcpy(card->atr, state->atr, state->atr_length);
    card->atr_length = state->atr_length;
    card->names =
        list ? scd_card_list_lookup(list, card->atr, card->atr_length) : g_new0(char *, 1);
}

static guint64
use_number(void)
{
    scd_object_next_number(&last_number);
    if (!first_number)
        first_number = last_number;
    return last_number;
}

ScdCard *
scd_card_new(const ScdCardParts *parts, const ScdReaderState *state, GError **error)
{
    g_autofree char *path = g_strdup_printf(PATH_PREFIX "%" G_GUINT64_FORMAT, use_number());
    g_autofree ScdCard *card = g_new0(ScdCard, 1);

    card->parts = *parts;
    card->object = scd_object_new(scd_tree_bus(parts->tree), path, parts->interface, parts->reader,
                                  NULL, error);
    if (!card->object)
        return NULL;
    set_card(card, state);
    set_properties(card);
    scd_tree_add(parts->tree, card->object);
    return g_steal_pointer(&card);
}

void
scd_card_free(ScdCard *card)
{
    scd_tree_remove(card->parts.tree, card->object);
    scd_object_free(card->object);
    g_strfreev(card->names);
    g_free(card);
}

void
scd_card_apply_settings(ScdCard *card)
{
    set_login_candidate(card);
    scd_object_announce(card->object);
}

void
scd_card_withdraw(ScdCard *card)
{
    scd_object_withdraw(card->object);
}

const char *
scd_card_path(const ScdCard *card)
{
    return scd_object_path(card->object);
}

guint64
scd_card_number_of_path(const char *path)
{
    return scd_object_number_of_path(path, PATH_PREFIX);
}

gboolean
scd_card_was_here(guint64 number)
{
    return first_number && number >= first_number && number <= last_number;
}

const char *
scd_card_atr_hex(const ScdCard *card)
{
    return scd_object_get_string(card->object, "AtrHex");
}

gboolean
scd_card_was_used(const char *path)
{
    guint64 number = scd_object_number_of_path(path, PATH_PREFIX);

    if (last_number == 0)
        scd_object_next_number(&last_number);
    return number > 0 && number <= last_number;
}
