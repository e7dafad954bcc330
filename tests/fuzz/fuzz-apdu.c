/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any command, any patterns of status words, and any responses of a card. */

#include "base/apdu.h"

#include <string.h>

#include "base/error.h"
#include "fuzz.h"

#define PATTERNS 40

static void
check_patterns(ScdFuzzInput *input)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    guint count = scd_fuzz_pick(input, PATTERNS);
    g_autoptr(GError) error = NULL;
    ScdExpect expect;

    for (guint i = 0; i < count; i++)
        g_ptr_array_add(texts, scd_fuzz_take_text(input));
    g_ptr_array_add(texts, NULL);
    gboolean parsed = scd_expect_parse((const char *const *)texts->pdata, &expect, &error);
    scd_fuzz_assert_result(parsed, error);
    if (!parsed)
        return;
    g_assert_cmpuint(expect.n_patterns, ==, count);
    for (guint i = 0; i < count; i++)
        g_assert_true(scd_expect_matches(&expect, expect.patterns[i].value));
}

/* A response of a length that the byte before it multiplies. Returns its length. */
static gsize
receive_response(ScdFuzzInput *input, guint8 *buffer, gsize room)
{
    gsize length, stretch = (gsize)scd_fuzz_take_byte(input) * 256;
    const guint8 *end = scd_fuzz_take_bytes(input, &length);

    if (length > room)
        return 0;
    stretch = MIN(stretch, room - length);
    memset(buffer, 0, stretch);
    memcpy(buffer + stretch, end, length);
    return stretch + length;
}

/* The answer ends within its buffer, and the exchange after its limit of commands. */
static void
check_exchange(ScdFuzzInput *input)
{
    g_autofree guint8 *answer = g_malloc(SCD_RESPONSE_MAX);
    gsize length, n;
    const guint8 *bytes = scd_fuzz_take_bytes(input, &length);
    g_autofree guint8 *command = g_memdup2(bytes, length);
    ScdExchange exchange;
    guint rounds = 0;

    scd_exchange_init(&exchange, command, length, answer);
    do {
        n = receive_response(input, answer + exchange.length, scd_exchange_room(&exchange));
        g_assert_cmpuint(++rounds, <=, SCD_EXCHANGE_MAX_ROUNDS);
        g_assert_cmpuint(exchange.length + n, <=, SCD_RESPONSE_MAX);
    } while (scd_exchange_go_on(&exchange, n));
    g_assert_cmpuint(exchange.length, <=, SCD_RESPONSE_MAX);
    scd_exchange_clear(&exchange);
}

static void
check_follow_up(ScdFuzzInput *input)
{
    guint8 next[SCD_FOLLOW_UP_MAX];
    guint16 status = scd_fuzz_take_u16(input);
    gsize length = scd_command_follow_up(input->data, input->size, status, next);
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(length, <=, sizeof next);
    gboolean valid = scd_command_check(input->size, &error);
    scd_fuzz_assert_result(valid, error);
    if (length == 0)
        return;
    g_assert_cmpuint(length, >=, 5);
    g_assert_cmpuint(next[length - 1], ==, status & 0xFF);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};

    check_patterns(&input);
    check_exchange(&input);
    check_follow_up(&input);
    return 0;
}
