/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/card.h"

#include <string.h>
#include <time.h>

#include "base/atr.h"
#include "base/hex.h"
#include "bus/connect.h"
#include "bus/one-shot.h"
#include "scd-interface-info.h"

#define PATH_PREFIX SCD_ROOT_PATH "/cards/"

struct ScdCard {
    ScdTree *tree;
    ScdSessions *sessions;
    ScdReader *reader;
    ScdObject *object;
};

static void
connect(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdCard *card = owner;
    scd_connect_start(card->sessions, card->reader, card, arguments, invocation);
}

static void
transmit(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdCard *card = owner;
    scd_one_shot_transmit(card->sessions, card->reader, arguments, invocation);
}

static const ScdMethod methods[] = {
    {"Connect", connect},      {"Transmit", transmit},        {"TransmitMany", transmit},
    {"TransmitHex", transmit}, {"TransmitManyHex", transmit}, {NULL, NULL},
};

static const ScdInterface interface = {&scd_card_interface, methods};

/*
 * Counts on from the microseconds since the machine was booted: so a restarted
 * service does not use a number again either, and there is nothing to be kept
 * in a file.
 */
static guint64
next_number(void)
{
    static guint64 last;

    if (last == 0) {
        struct timespec now;
        clock_gettime(CLOCK_BOOTTIME, &now);
        last = (guint64)now.tv_sec * G_USEC_PER_SEC + (guint64)now.tv_nsec / 1000;
    }
    return ++last;
}

static GVariant *
bytes_to_variant(const guint8 *bytes, gsize length)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1);
}

static void
set_properties(ScdCard *card, const ScdCardList *card_list, const ScdReaderState *state)
{
    ScdObject *object = card->object;
    ScdAtr atr;
    scd_atr_parse(state->atr, state->atr_length, &atr, NULL);

    g_autofree char *hex = scd_hex_from_bytes(state->atr, state->atr_length);
    g_auto(GStrv) protocols = scd_atr_dup_protocols(&atr);
    g_auto(GStrv) names = card_list ? scd_card_list_lookup(card_list, state->atr, state->atr_length)
                                    : g_new0(char *, 1);

    scd_object_set(object, "Reader", g_variant_new_object_path(scd_reader_path(card->reader)));
    scd_object_set(object, "Atr", bytes_to_variant(state->atr, state->atr_length));
    scd_object_set(object, "AtrHex", g_variant_new_string(hex));
    scd_object_set(object, "Protocols", g_variant_new_strv((const char *const *)protocols, -1));
    scd_object_set(object, "HistoricalBytes",
                   bytes_to_variant(atr.bytes + atr.historical_offset, atr.n_historical));
    scd_object_set(object, "Names", g_variant_new_strv((const char *const *)names, -1));
    scd_object_set(object, "Contactless", g_variant_new_boolean(scd_atr_is_contactless(&atr)));
}

ScdCard *
scd_card_new(ScdTree *tree, ScdSessions *sessions, const ScdCardList *card_list, ScdReader *reader,
             const ScdReaderState *state, GError **error)
{
    g_autofree char *path = g_strdup_printf(PATH_PREFIX "%" G_GUINT64_FORMAT, next_number());
    g_autofree ScdCard *card = g_new0(ScdCard, 1);

    card->tree = tree;
    card->sessions = sessions;
    card->reader = reader;
    card->object = scd_object_new(scd_tree_bus(tree), path, &interface, card, NULL, error);
    if (!card->object)
        return NULL;
    set_properties(card, card_list, state);
    scd_tree_add(tree, card->object);
    return g_steal_pointer(&card);
}

void
scd_card_free(ScdCard *card)
{
    scd_tree_remove(card->tree, card->object);
    scd_object_free(card->object);
    g_free(card);
}

const char *
scd_card_path(const ScdCard *card)
{
    return scd_object_path(card->object);
}

gboolean
scd_card_is_path(const char *path)
{
    return g_str_has_prefix(path, PATH_PREFIX) &&
           g_ascii_string_to_unsigned(path + strlen(PATH_PREFIX), 10, 1, G_MAXUINT64, NULL, NULL);
}

const char *
scd_card_atr_hex(const ScdCard *card)
{
    return scd_object_get_string(card->object, "AtrHex");
}
