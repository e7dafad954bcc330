/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connect-arguments.h"

#include <string.h>

#include "word-table.h"

#define N_PROTOCOL_WORDS 5 /* with NULL at the end */

/* The words of the D-Bus interface for the numbers of winscard.h. */
typedef struct {
    const char *word;
    DWORD number;
} PldWord;

#define AS_WORD(word, number) {word, number},
static const PldWord share_mode_words[] = {SCD_SHARE_MODE_TABLE(AS_WORD){NULL, 0}};
static const PldWord disposition_words[] = {SCD_DISPOSITION_TABLE(AS_WORD){NULL, 0}};
static const PldWord protocol_words[] = {SCD_PROTOCOL_TABLE(AS_WORD){NULL, 0}};
#undef AS_WORD

/* Returns NULL if there is no word for the number. */
static const char *
find_word(const PldWord *list, DWORD number)
{
    while (list->word && list->number != number)
        list++;
    return list->word;
}

/* Leaves out protocols that the service does not support. */
static void
list_protocol_words(DWORD protocols, const char *words[N_PROTOCOL_WORDS])
{
    unsigned count = 0;

    for (const PldWord *known = protocol_words; known->word; known++)
        if (protocols & known->number)
            words[count++] = known->word;
    words[count] = NULL;
}

/* Returns SCARD_PROTOCOL_UNDEFINED for an unknown word. */
static DWORD
parse_protocol(const char *word)
{
    const PldWord *known = protocol_words;

    while (known->word && strcmp(known->word, word) != 0)
        known++;
    return known->word ? known->number : SCARD_PROTOCOL_UNDEFINED;
}

int
pld_append_connect_arguments(sd_bus_message *call, const void *data)
{
    const PldConnectArguments *arguments = data;
    const char *words[N_PROTOCOL_WORDS] = {NULL};
    int r = sd_bus_message_append(call, "s", find_word(share_mode_words, arguments->share_mode));

    if (arguments->protocols != SCARD_PROTOCOL_ANY) /* an empty list stands for any */
        list_protocol_words(arguments->protocols, words);
    return r < 0 ? r : sd_bus_message_append_strv(call, (char **)words);
}

int
pld_append_reconnect_arguments(sd_bus_message *call, const void *data)
{
    const PldConnectArguments *arguments = data;
    int r = pld_append_connect_arguments(call, arguments);

    return r < 0 ? r
                 : sd_bus_message_append(call, "s",
                                         find_word(disposition_words, arguments->initialization));
}

int
pld_append_disposition(sd_bus_message *call, const void *disposition)
{
    return sd_bus_message_append(call, "s",
                                 find_word(disposition_words, *(const DWORD *)disposition));
}

DWORD
pld_parse_active_protocol(const char *word, const PldConnectArguments *arguments)
{
    if (arguments->share_mode == SCARD_SHARE_DIRECT && (arguments->protocols & SCARD_PROTOCOL_RAW))
        return SCARD_PROTOCOL_RAW;
    return parse_protocol(word);
}
