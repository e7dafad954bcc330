/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/atr.h"

#include <string.h>

#include "base/error.h"

#define TS_DIRECT 0x3B
#define TS_INVERSE 0x3F
#define NO_PROTOCOL 15 /* T=15 in a TD announces global interface bytes */

static gboolean
has_interface_byte(const ScdAtrLevel *level, ScdAtrInterfaceByte which)
{
    return (level->present & 1u << which) != 0;
}

static gboolean
offers_protocol(const ScdAtr *atr, guint8 protocol)
{
    return memchr(atr->protocols, protocol, atr->n_protocols) != NULL;
}

static gboolean
read_initial_bytes(ScdAtr *atr, GError **error)
{
    if (atr->length < 2) {
        g_set_error(error, SCD_ERROR, SCD_E_INVALID_ATR, "%s",
                    atr->length == 0 ? "no bytes at all" : "T0 is missing");
        return FALSE;
    }
    if (atr->bytes[0] != TS_DIRECT && atr->bytes[0] != TS_INVERSE) {
        g_set_error(error, SCD_ERROR, SCD_E_INVALID_ATR,
                    "TS is %02X, neither 3B (direct) nor 3F (inverse)", atr->bytes[0]);
        return FALSE;
    }
    if (atr->bytes[0] == TS_INVERSE)
        atr->convention = SCD_ATR_CONVENTION_INVERSE;
    atr->n_historical = atr->bytes[1] & 0x0F;
    return TRUE;
}

/* Each TD announces the level after its own, as T0 does the first. */
static gboolean
read_levels(ScdAtr *atr, guint *at, GError **error)
{
    guint8 announced = atr->bytes[1] >> 4;

    while (announced != 0) {
        ScdAtrLevel *level = &atr->levels[atr->n_levels++];

        level->present = announced;
        for (guint which = SCD_ATR_TA; which <= SCD_ATR_TD; which++) {
            if (!has_interface_byte(level, which))
                continue;
            if (*at == atr->length) {
                g_set_error(error, SCD_ERROR, SCD_E_INVALID_ATR,
                            "interface bytes end after %u bytes, before T%c%u", *at - 2,
                            'A' + which, atr->n_levels);
                return FALSE;
            }
            level->value[which] = atr->bytes[(*at)++];
        }
        announced = level->value[SCD_ATR_TD] >> 4;
    }
    return TRUE;
}

static gboolean
read_historical_bytes(ScdAtr *atr, guint *at, GError **error)
{
    guint left = atr->length - *at;

    if (left < atr->n_historical) {
        g_set_error(error, SCD_ERROR, SCD_E_INVALID_ATR,
                    "historical bytes end after %u of %u bytes", left, atr->n_historical);
        return FALSE;
    }
    atr->historical_offset = (guint8)*at;
    *at += atr->n_historical;
    return TRUE;
}

static void
collect_protocols(ScdAtr *atr)
{
    for (guint i = 0; i < atr->n_levels; i++) {
        const ScdAtrLevel *level = &atr->levels[i];
        guint8 protocol = level->value[SCD_ATR_TD] & 0x0F;

        if (has_interface_byte(level, SCD_ATR_TD) && protocol != NO_PROTOCOL &&
            !offers_protocol(atr, protocol))
            atr->protocols[atr->n_protocols++] = protocol;
    }
    if (atr->n_protocols == 0)
        atr->protocols[atr->n_protocols++] = 0;
}

/* A TA2 that names a protocol which no TD offers is ignored. */
static void
read_specific_mode(ScdAtr *atr)
{
    const ScdAtrLevel *second = &atr->levels[1];
    guint8 protocol = second->value[SCD_ATR_TA] & 0x0F;

    if (has_interface_byte(second, SCD_ATR_TA) && offers_protocol(atr, protocol)) {
        atr->specific_mode = TRUE;
        atr->specific_protocol = protocol;
    }
}

static gboolean
is_check_required(const ScdAtr *atr)
{
    for (guint i = 0; i < atr->n_levels; i++) {
        if ((atr->levels[i].value[SCD_ATR_TD] & 0x0F) != 0)
            return TRUE;
    }
    return FALSE;
}

/* The exclusive or of all bytes from T0 to TCK is zero. */
static ScdAtrCheck
verify_check_byte(const ScdAtr *atr, guint *at)
{
    guint8 sum = 0;

    if (!is_check_required(atr))
        return SCD_ATR_CHECK_ABSENT;
    if (*at == atr->length)
        return SCD_ATR_CHECK_MISSING;

    *at += 1;
    for (guint i = 1; i < *at; i++)
        sum ^= atr->bytes[i];
    return sum == 0 ? SCD_ATR_CHECK_OK : SCD_ATR_CHECK_WRONG;
}

static gboolean
parse_structure(ScdAtr *atr, GError **error)
{
    guint at = 2;

    if (!read_initial_bytes(atr, error) || !read_levels(atr, &at, error) ||
        !read_historical_bytes(atr, &at, error))
        return FALSE;

    collect_protocols(atr);
    read_specific_mode(atr);
    atr->check = verify_check_byte(atr, &at);
    atr->n_extra = (guint8)(atr->length - at);
    atr->valid = TRUE;
    return TRUE;
}

gboolean
scd_atr_parse(const guint8 *bytes, gsize length, ScdAtr *atr, GError **error)
{
    ScdAtr raw = {.length = (guint8)MIN(length, SCD_ATR_MAX_LENGTH)};

    if (length > 0)
        memcpy(raw.bytes, bytes, raw.length);
    *atr = raw;

    if (length > SCD_ATR_MAX_LENGTH) {
        g_set_error(error, SCD_ERROR, SCD_E_INVALID_ATR,
                    "%" G_GSIZE_FORMAT " bytes, but an ATR has at most %u", length,
                    SCD_ATR_MAX_LENGTH);
        return FALSE;
    }
    if (!parse_structure(atr, error)) {
        *atr = raw;
        return FALSE;
    }
    return TRUE;
}

char **
scd_atr_dup_protocols(const ScdAtr *atr)
{
    char **names = g_new0(char *, atr->n_protocols + 1);
    guint n = 0;

    for (guint i = 0; i < atr->n_protocols; i++) {
        if (!atr->specific_mode || atr->protocols[i] == atr->specific_protocol)
            names[n++] = g_strdup_printf("T=%u", atr->protocols[i]);
    }
    return names;
}

gboolean
scd_atr_is_contactless(const ScdAtr *atr)
{
    return atr->valid && atr->bytes[0] == TS_DIRECT && atr->bytes[1] >> 4 == 0x8 &&
           atr->bytes[2] == 0x80 && atr->bytes[3] == 0x01;
}

static gboolean
refuse_filter(const char *why, GError **error)
{
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS, why);
    return FALSE;
}

gboolean
scd_atr_filter_set(ScdAtrFilter *filter, GVariant *atr, GVariant *mask, GError **error)
{
    gsize length = 0, mask_length = 0;
    const guint8 *bytes = atr ? g_variant_get_fixed_array(atr, &length, 1) : NULL;
    const guint8 *mask_bytes = mask ? g_variant_get_fixed_array(mask, &mask_length, 1) : NULL;

    if (!atr && mask)
        return refuse_filter(
            "option \"atr-mask\" says which bits of the option \"atr\" count: give both", error);
    if (!atr)
        return TRUE;
    if (length < 1 || length > SCD_ATR_MAX_LENGTH)
        return refuse_filter("option \"atr\" is an ATR of 1 to 33 bytes", error);
    if (mask && mask_length != length)
        return refuse_filter("option \"atr-mask\" has as many bytes as the option \"atr\"", error);

    filter->length = length;
    for (gsize i = 0; i < length; i++) {
        filter->mask[i] = mask ? mask_bytes[i] : 0xFF;
        filter->value[i] = bytes[i] & filter->mask[i];
    }
    return TRUE;
}

gboolean
scd_atr_filter_passes(const ScdAtrFilter *filter, const guint8 *atr, gsize length)
{
    if (filter->length == 0)
        return TRUE;
    if (filter->length != length)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if ((atr[i] & filter->mask[i]) != filter->value[i])
            return FALSE;
    return TRUE;
}

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
