/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/words.h"

#include "base/error.h"
#include "word-table.h"

typedef struct {
    const char *word; /* NULL ends a list */
    guint number;
} ScdWord;

#define AS_WORD(word, number) {word, number},
static const ScdWord share_modes[] = {SCD_SHARE_MODE_TABLE(AS_WORD){NULL, 0}};
static const ScdWord protocol_words[] = {SCD_PROTOCOL_TABLE(AS_WORD){NULL, 0}};
static const ScdWord dispositions[] = {SCD_DISPOSITION_TABLE(AS_WORD){NULL, 0}};
static const ScdWord initializations[] = {SCD_INITIALIZATION_TABLE(AS_WORD){NULL, 0}};
#undef AS_WORD

static char *
join_words(const ScdWord *list)
{
    GString *joined = g_string_new(NULL);

    for (const ScdWord *at = list; at->word != NULL; at++)
        g_string_append_printf(joined, "%s%s", at == list ? "" : ", ", at->word);
    return g_string_free(joined, FALSE);
}

static gboolean
find_number(const ScdWord *list, const char *what, const char *word, guint *number, GError **error)
{
    for (const ScdWord *at = list; at->word != NULL; at++) {
        if (g_str_equal(at->word, word)) {
            *number = at->number;
            return TRUE;
        }
    }
    g_autofree char *joined = join_words(list);
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "unknown %s: there are %s", what, joined);
    return FALSE;
}

static const char *
find_word(const ScdWord *list, guint number)
{
    for (const ScdWord *at = list; at->word != NULL; at++) {
        if (at->number == number)
            return at->word;
    }
    return "";
}

gboolean
scd_share_mode_from_word(const char *word, ScdShareMode *mode, GError **error)
{
    return find_number(share_modes, "share mode", word, mode, error);
}

const char *
scd_share_mode_to_word(ScdShareMode mode)
{
    return find_word(share_modes, mode);
}

gboolean
scd_protocol_from_word(const char *word, ScdProtocol *protocol, GError **error)
{
    return find_number(protocol_words, "protocol", word, protocol, error);
}

gboolean
scd_protocols_from_words(const char *const *words, ScdProtocol *protocols, GError **error)
{
    ScdProtocol all = SCD_PROTOCOL_NONE;

    for (; *words != NULL; words++) {
        ScdProtocol protocol;

        if (!scd_protocol_from_word(*words, &protocol, error))
            return FALSE;
        all |= protocol;
    }
    *protocols = all != SCD_PROTOCOL_NONE ? all : SCD_PROTOCOL_ANY;
    return TRUE;
}

const char *
scd_protocol_to_word(ScdProtocol protocol)
{
    return find_word(protocol_words, protocol);
}

gboolean
scd_disposition_from_word(const char *word, ScdDisposition *disposition, GError **error)
{
    return find_number(dispositions, "disposition", word, disposition, error);
}

gboolean
scd_initialization_from_word(const char *word, ScdDisposition *initialization, GError **error)
{
    return find_number(initializations, "initialization", word, initialization, error);
}
