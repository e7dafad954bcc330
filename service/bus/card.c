/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/card.h"

#include "base/atr.h"
#include "base/bytes.h"

#define PATH_PREFIX SCD_ROOT_PATH "/cards/"

struct ScdCard {
    ScdTree *tree;
    ScdObject *object;
};

static guint64 last_number;

static GVariant *
bytes_to_variant(const guint8 *bytes, gsize length)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1);
}

static void
set_properties(ScdObject *object, const ScdCardParts *parts, const ScdReaderState *state)
{
    ScdAtr atr;
    scd_atr_parse(state->atr, state->atr_length, &atr, NULL);

    g_autofree char *hex = scd_hex_from_bytes(state->atr, state->atr_length);
    g_auto(GStrv) protocols = scd_atr_dup_protocols(&atr);
    g_auto(GStrv) names =
        parts->card_list ? scd_card_list_lookup(parts->card_list, state->atr, state->atr_length)
                         : g_new0(char *, 1);

    scd_object_set(object, "Reader", g_variant_new_object_path(parts->reader_path));
    scd_object_set(object, "Atr", bytes_to_variant(state->atr, state->atr_length));
    scd_object_set(object, "AtrHex", g_variant_new_string(hex));
    scd_object_set(object, "Protocols", g_variant_new_strv((const char *const *)protocols, -1));
    scd_object_set(object, "HistoricalBytes",
                   bytes_to_variant(atr.bytes + atr.historical_offset, atr.n_historical));
    scd_object_set(object, "Names", g_variant_new_strv((const char *const *)names, -1));
    scd_object_set(object, "Contactless", g_variant_new_boolean(scd_atr_is_contactless(&atr)));
}

ScdCard *
scd_card_new(const ScdCardParts *parts, const ScdReaderState *state, GError **error)
{
    g_autofree char *path =
        g_strdup_printf(PATH_PREFIX "%" G_GUINT64_FORMAT, scd_object_next_number(&last_number));
    g_autofree ScdCard *card = g_new0(ScdCard, 1);

    card->tree = parts->tree;
    card->object = scd_object_new(scd_tree_bus(parts->tree), path, parts->interface, parts->reader,
                                  NULL, error);
    if (!card->object)
        return NULL;
    set_properties(card->object, parts, state);
    scd_tree_add(card->tree, card->object);
    return g_steal_pointer(&card);
}

void
scd_card_free(ScdCard *card)
{
    scd_tree_remove(card->tree, card->object);
    scd_object_free(card->object);
    g_free(card);
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

gboolean
scd_card_is_path(const char *path)
{
    return scd_object_number_of_path(path, PATH_PREFIX) != 0;
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
