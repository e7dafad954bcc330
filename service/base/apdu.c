/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/apdu.h"

#include <string.h>

#include "base/error.h"

#define HEADER_LENGTH 4 /* CLA INS P1 P2 */
#define INS_GET_RESPONSE 0xC0
#define SW1_MORE_DATA 0x61
#define SW1_WRONG_LE 0x6C

gboolean
scd_command_check(gsize length, GError **error)
{
    if (length >= 1 && length <= SCD_COMMAND_MAX)
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                "a command has 1 to %d bytes, this one has %" G_GSIZE_FORMAT, SCD_COMMAND_MAX,
                length);
    return FALSE;
}

gboolean
scd_response_status(const guint8 *response, gsize length, guint16 *status)
{
    if (length < 2)
        return FALSE;
    *status = (guint16)(response[length - 2] << 8 | response[length - 1]);
    return TRUE;
}

/*
 * The class of GET RESPONSE has the logical channel of the command, but not its bits for chaining
 * and secure messaging (5.4.1). A proprietary class is used unchanged, as SIM cards (A0) and
 * readers with commands of their own (FF) expect.
 */
static guint8
get_response_class(guint8 class)
{
    if ((class & 0xE0) == 0x00)
        return class & 0x03;
    if ((class & 0xC0) == 0x40)
        return class & 0x4F;
    return class;
}

/*
 * Returns the offset of a short Le or the place to add one; 0 for extended lengths, and for data
 * without Le.
 */
static gsize
find_short_le(const guint8 *command, gsize length)
{
    if (length == HEADER_LENGTH || length == HEADER_LENGTH + 1)
        return HEADER_LENGTH;
    if (length > HEADER_LENGTH + 1 && command[HEADER_LENGTH] > 0 &&
        length == HEADER_LENGTH + 1u + command[HEADER_LENGTH] + 1u)
        return length - 1;
    return 0;
}

static gsize
make_get_response(guint8 class, guint8 le, guint8 *next)
{
    const guint8 command[] = {get_response_class(class), INS_GET_RESPONSE, 0x00, 0x00, le};

    memcpy(next, command, sizeof command);
    return sizeof command;
}

static gsize
correct_le(const guint8 *command, gsize length, guint8 le, guint8 *next)
{
    gsize place = find_short_le(command, length);

    if (place == 0 || (place < length && command[place] == le))
        return 0;
    memmove(next, command, place);
    next[place] = le;
    return place + 1;
}

gsize
scd_command_follow_up(const guint8 *command, gsize length, guint16 status, guint8 *next)
{
    guint8 le = status & 0xFF;

    if (length < HEADER_LENGTH)
        return 0;
    switch (status >> 8) {
    case SW1_MORE_DATA:
        return make_get_response(command[0], le, next);
    case SW1_WRONG_LE:
        return correct_le(command, length, le, next);
    default:
        return 0;
    }
}

static gboolean
parse_pattern(const char *text, ScdStatusPattern *pattern)
{
    *pattern = (ScdStatusPattern){0, 0};
    for (guint i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(text[i]);

        if (digit < 0 && text[i] != 'x' && text[i] != 'X')
            return FALSE;
        pattern->value = (guint16)(pattern->value << 4 | MAX(digit, 0));
        pattern->mask = (guint16)(pattern->mask << 4 | (digit < 0 ? 0x0 : 0xF));
    }
    return text[4] == '\0';
}

gboolean
scd_expect_parse(const char *const *texts, ScdExpect *expect, GError **error)
{
    expect->n_patterns = 0;
    for (; *texts != NULL; texts++) {
        if (expect->n_patterns == SCD_EXPECT_MAX) {
            g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "more than %d patterns of status words",
                        SCD_EXPECT_MAX);
            return FALSE;
        }
        if (!parse_pattern(*texts, &expect->patterns[expect->n_patterns++])) {
            g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                        "pattern %u of status words is not four hexadecimal digits or \"x\", such "
                        "as 9000 or 61xx",
                        expect->n_patterns);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean
scd_expect_matches(const ScdExpect *expect, guint16 status)
{
    for (guint i = 0; i < expect->n_patterns; i++) {
        if ((status & expect->patterns[i].mask) == expect->patterns[i].value)
            return TRUE;
    }
    return expect->n_patterns == 0;
}

void
scd_exchange_init(ScdExchange *exchange, const guint8 *command, gsize length, guint8 *answer)
{
    exchange->command = command;
    exchange->command_length = length;
    exchange->answer = answer;
    exchange->length = 0;
    exchange->n_rounds = 0;
}

void
scd_exchange_clear(ScdExchange *exchange)
{
    explicit_bzero(exchange, sizeof *exchange);
}

gsize
scd_exchange_room(const ScdExchange *exchange)
{
    return SCD_RESPONSE_MAX - exchange->length;
}

/* Returns the length of the next response that this status word announces; 0 means 256. */
static gsize
read_announced_length(guint16 status)
{
    guint8 le = status & 0xFF;

    return (le > 0 ? le : 256u) + sizeof status;
}

static gboolean
has_more_data(guint16 status)
{
    return status >> 8 == SW1_MORE_DATA;
}

gboolean
scd_exchange_go_on(ScdExchange *exchange, gsize n)
{
    guint16 status;

    g_assert(n <= scd_exchange_room(exchange));
    gsize end = exchange->length + n;
    if (scd_response_status(exchange->answer + exchange->length, n, &status)) {
        gsize kept = has_more_data(status) ? end - sizeof status : exchange->length;
        gsize next = 0;

        if (++exchange->n_rounds < SCD_EXCHANGE_MAX_ROUNDS &&
            kept + read_announced_length(status) <= SCD_RESPONSE_MAX)
            next = scd_command_follow_up(exchange->command, exchange->command_length, status,
                                         exchange->follow_up);
        if (next > 0) {
            exchange->command = exchange->follow_up;
            exchange->command_length = next;
            exchange->length = kept;
            return TRUE;
        }
    }
    exchange->length = end;
    return FALSE;
}
