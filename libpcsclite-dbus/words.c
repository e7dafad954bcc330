/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "words.h"

#include <stddef.h>
#include <string.h>

#include "word-table.h"

typedef struct {
    const char *word;
    DWORD number;
} Word;

#define AS_WORD(word, number) {word, number},
static const Word share_modes[] = {SCD_SHARE_MODE_TABLE(AS_WORD){NULL, 0}};
static const Word dispositions[] = {SCD_DISPOSITION_TABLE(AS_WORD){NULL, 0}};
static const Word protocols_known[] = {SCD_PROTOCOL_TABLE(AS_WORD){NULL, 0}};
#undef AS_WORD

static const char *
find_word(const Word *list, DWORD number)
{
    while (list->word && list->number != number)
        list++;
    return list->word;
}

const char *
pld_share_mode_to_word(DWORD share_mode)
{
    return find_word(share_modes, share_mode);
}

const char *
pld_disposition_to_word(DWORD disposition)
{
    return find_word(dispositions, disposition);
}

unsigned
pld_protocols_to_words(DWORD protocols, const char *words[PLD_PROTOCOL_WORDS])
{
    unsigned count = 0;

    for (const Word *known = protocols_known; known->word; known++)
        if (protocols & known->number)
            words[count++] = known->word;
    words[count] = NULL;
    return count;
}

DWORD
pld_protocol_from_word(const char *word)
{
    const Word *known = protocols_known;

    while (known->word && strcmp(known->word, word) != 0)
        known++;
    return known->word ? known->number : SCARD_PROTOCOL_UNDEFINED;
}
