/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/exchange.h"

#include <string.h>

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

/* How many bytes the next response will have by the status word of this one; 0 means 256. */
static gsize
announced_length(guint16 status)
{
    guint8 le = status & 0xFF;

    return (le > 0 ? le : 256u) + sizeof status;
}

static gboolean
is_more_data(guint16 status)
{
    return status >> 8 == 0x61;
}

gboolean
scd_exchange_go_on(ScdExchange *exchange, gsize n)
{
    guint16 status;

    g_assert(n <= scd_exchange_room(exchange));
    gsize end = exchange->length + n;
    if (scd_response_status(exchange->answer + exchange->length, n, &status)) {
        gsize kept = is_more_data(status) ? end - sizeof status : exchange->length;
        gsize next = 0;

        if (++exchange->n_rounds < SCD_EXCHANGE_MAX_ROUNDS &&
            kept + announced_length(status) <= SCD_RESPONSE_MAX)
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
