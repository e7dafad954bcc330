/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/atr-pattern.h"

#include <string.h>

void
scd_atr_text_init(ScdAtrText *atr, const guint8 *bytes, gsize length)
{
    static const char digits[] = "0123456789ABCDEF";

    atr->length = 0;
    if (length > SCD_ATR_MAX_LENGTH)
        return;
    for (gsize i = 0; i < length; i++) {
        if (i > 0)
            atr->text[atr->length++] = ' ';
        atr->text[atr->length++] = digits[bytes[i] >> 4];
        atr->text[atr->length++] = digits[bytes[i] & 0x0F];
    }
}

/* A token matches one character of the ATR: a character, ".", or a class in brackets. */
static const char *
find_token_end(const char *at, const char *end)
{
    const char *last = *at == '[' ? memchr(at, ']', (gsize)(end - at)) : at;

    return last != NULL ? last + 1 : end;
}

static gsize
count_tokens(const char *at, const char *end)
{
    gsize n = 0;

    for (; at < end; at = find_token_end(at, end))
        n++;
    return n;
}

static gboolean
is_class_member(char c)
{
    return g_ascii_isxdigit(c) || c == ',';
}

/* at, end: the text between the brackets. A class with invalid characters contains nothing. */
static gboolean
class_contains(const char *at, const char *end, char c)
{
    gboolean found = FALSE;

    while (at < end) {
        gboolean is_range = end - at > 2 && at[1] == '-';
        const char *last = is_range ? at + 2 : at;

        if (!is_class_member(*at) || !is_class_member(*last))
            return FALSE;
        if (g_ascii_toupper(*at) <= c && c <= g_ascii_toupper(*last))
            found = TRUE;
        at = last + 1;
    }
    return found;
}

static gboolean
token_matches(const char *at, const char *end, char c)
{
    if (*at == '[')
        return end[-1] == ']' && class_contains(at + 1, end - 1, c);
    return *at == '.' || g_ascii_toupper(*at) == c;
}

/* Returns whether the tokens match exactly these characters. */
static gboolean
tokens_match(const char *at, const char *end, const char *text, gsize length)
{
    while (at < end && length > 0) {
        const char *next = find_token_end(at, end);

        if (!token_matches(at, next, *text))
            return FALSE;
        at = next;
        text++;
        length--;
    }
    return at == end && length == 0;
}

gboolean
scd_atr_pattern_matches(const char *pattern, gsize length, const ScdAtrText *atr)
{
    const char *end = pattern + length;
    const char *star = memchr(pattern, '*', length);

    if (star == NULL || star == pattern || star[-1] != '.')
        return tokens_match(pattern, end, atr->text, atr->length);

    /* The part before ".*" has to match the beginning of the ATR, the part after it the end. */
    const char *dot = star - 1;
    const char *rest = star + 1;
    gsize n_first = count_tokens(pattern, dot);
    gsize n_last = count_tokens(rest, end);
    if (n_first + n_last > atr->length)
        return FALSE;
    return tokens_match(pattern, dot, atr->text, n_first) &&
           tokens_match(rest, end, atr->text + atr->length - n_last, n_last);
}
