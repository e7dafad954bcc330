/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "words.h"

#include "word-table.h"

typedef struct {
    const char *word;
    guint number;
} SmartcarddWord;

#define AS_WORD(word, number) {word, number},
static const SmartcarddWord share_modes[] = {SCD_SHARE_MODE_TABLE(AS_WORD){NULL, 0}};
static const SmartcarddWord dispositions[] = {SCD_DISPOSITION_TABLE(AS_WORD){NULL, 0}};
static const SmartcarddWord protocols[] = {SCD_PROTOCOL_TABLE(AS_WORD){NULL, 0}};
#undef AS_WORD

static const char *
find_word(const SmartcarddWord *table, guint number)
{
    while (table->word && table->number != number)
        table++;
    return table->word ? table->word : "";
}

const char *
smartcardd_share_mode_word(SmartcarddShareMode mode)
{
    return find_word(share_modes, mode);
}

const char *
smartcardd_disposition_word(SmartcarddDisposition disposition)
{
    return find_word(dispositions, disposition);
}

GVariant *
smartcardd_protocol_words(SmartcarddProtocols wanted)
{
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    for (const SmartcarddWord *known = protocols; known->word; known++)
        if (wanted & known->number)
            g_variant_builder_add(&words, "s", known->word);
    return g_variant_builder_end(&words);
}

SmartcarddProtocols
smartcardd_protocol_of_word(const char *word)
{
    for (const SmartcarddWord *known = protocols; known->word; known++)
        if (g_str_equal(known->word, word))
            return (SmartcarddProtocols)known->number;
    return SMARTCARDD_PROTOCOLS_ANY;
}
