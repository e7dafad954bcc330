/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A card is a list of responses; what it was asked and what came of it are lines of text. */

#include "base/exchange.h"

#include <string.h>

#include "base/hex.h"

static void
put_bytes(ScdExchange *exchange, const guint8 *bytes, gsize n)
{
    g_assert_cmpuint(n, <=, scd_exchange_room(exchange));
    memcpy(exchange->answer + exchange->length, bytes, n);
}

/* The responses must be all used up, and no more be wanted. A colon is one of no bytes. */
static void
assert_exchange(const char *first, const char *responses, const char *commands, const char *answer)
{
    g_auto(GStrv) script = g_strsplit(responses, ", ", -1);
    g_autoptr(GString) sent = g_string_new(NULL);
    g_autofree guint8 *buffer = g_malloc(SCD_RESPONSE_MAX);
    gsize length, n;
    g_autofree guint8 *command = scd_hex_to_bytes(first, &length, NULL);
    ScdExchange exchange;
    char **response = script;

    scd_exchange_init(&exchange, command, length, buffer);
    do {
        g_autofree char *hex = scd_hex_from_bytes(exchange.command, exchange.command_length);
        g_assert_nonnull(*response);
        g_autofree guint8 *bytes = scd_hex_to_bytes(*response++, &n, NULL);

        g_string_append_printf(sent, "%s%s", sent->len > 0 ? ", " : "", hex);
        put_bytes(&exchange, bytes, n);
    } while (scd_exchange_go_on(&exchange, n));

    g_autofree char *got = scd_hex_from_bytes(exchange.answer, exchange.length);
    g_assert_null(*response);
    g_assert_cmpstr(sent->str, ==, commands);
    g_assert_cmpstr(got, ==, answer);
    scd_exchange_clear(&exchange);
}

static void
test_nothing_follows(void)
{
    assert_exchange("00B00000", "9000", "00B00000", "9000");
    assert_exchange("00B0000002", "01029000", "00B0000002", "01029000");
    assert_exchange("00", "01", "00", "01");
    assert_exchange("00B00000", ":", "00B00000", "");
}

static void
test_more_data(void)
{
    assert_exchange("00A4040001AA", "6103, 0102036102, 04059000",
                    "00A4040001AA, 00C0000003, 00C0000002", "01020304059000");
    assert_exchange("00A4040001AA", "016101, 6A82", "00A4040001AA, 00C0000001", "016A82");
}

static void
test_wrong_le(void)
{
    assert_exchange("00B0000000", "6C02, 01029000", "00B0000000, 00B0000002", "01029000");
    assert_exchange("00B0000000", "FFFF6C02, 01029000", "00B0000000, 00B0000002", "01029000");
    assert_exchange("00A4040001AA00", "6C02, 01026101, 039000",
                    "00A4040001AA00, 00A4040001AA02, 00C0000001", "0102039000");
    assert_exchange("00A4040001AA", "016103, FF6C02, 02039000",
                    "00A4040001AA, 00C0000003, 00C0000002", "0102039000");
    assert_exchange("00B0000002", "6C02", "00B0000002", "6C02");
}

static void
test_response_without_status(void)
{
    assert_exchange("00A4040001AA", "01026103, 03", "00A4040001AA, 00C0000003", "010203");
    assert_exchange("00A4040001AA", "01026103, :", "00A4040001AA, 00C0000003", "0102");
}

/* A card that answers each command with so much data and the status word. */
static guint
count_rounds(gsize n_data, guint16 status, guint8 *buffer, gsize *length)
{
    static const guint8 command[] = {0x00, 0xB0, 0x00, 0x00, 0x00};
    ScdExchange exchange;

    scd_exchange_init(&exchange, command, sizeof command, buffer);
    do {
        guint8 *response = exchange.answer + exchange.length;

        g_assert_cmpuint(n_data + 2, <=, scd_exchange_room(&exchange));
        memset(response, 0xAA, n_data);
        response[n_data] = status >> 8;
        response[n_data + 1] = status & 0xFF;
    } while (scd_exchange_go_on(&exchange, n_data + 2));
    *length = exchange.length;
    return exchange.n_rounds;
}

static void
test_no_end(void)
{
    g_autofree guint8 *buffer = g_malloc(SCD_RESPONSE_MAX);
    guint16 status;
    gsize length;

    g_assert_cmpuint(count_rounds(0, 0x6100, buffer, &length), ==, SCD_EXCHANGE_MAX_ROUNDS);
    g_assert_cmpuint(length, ==, 2);

    /* All but the last of what has no room. */
    g_assert_cmpuint(count_rounds(256, 0x6100, buffer, &length), ==, 256);
    g_assert_cmpuint(length, ==, 65536 + 2);
    g_assert_true(scd_response_status(buffer, length, &status));
    g_assert_cmphex(status, ==, 0x6100);

    g_assert_cmpuint(count_rounds(100, 0x6164, buffer, &length), ==, 655);
    g_assert_cmpuint(length, ==, 65500 + 2);
}

/* One after the other asks for another Le. */
static void
test_le_that_is_never_right(void)
{
    static const guint8 command[] = {0x00, 0xB0, 0x00, 0x00, 0x00};
    g_autofree guint8 *buffer = g_malloc(SCD_RESPONSE_MAX);
    guint8 response[] = {0x6C, 0x00};
    ScdExchange exchange;

    scd_exchange_init(&exchange, command, sizeof command, buffer);
    do {
        response[1]++;
        put_bytes(&exchange, response, sizeof response);
    } while (scd_exchange_go_on(&exchange, sizeof response));
    g_assert_cmpuint(exchange.n_rounds, ==, SCD_EXCHANGE_MAX_ROUNDS);
    g_assert_cmpuint(exchange.length, ==, 2);
}

static void
test_full_answer(void)
{
    g_autofree guint8 *buffer = g_malloc0(SCD_RESPONSE_MAX);
    static const guint8 command[] = {0x00, 0xB0, 0x00, 0x00, 0x00, 0x00, 0x00};
    ScdExchange exchange;

    scd_exchange_init(&exchange, command, sizeof command, buffer);
    buffer[SCD_RESPONSE_MAX - 2] = 0x61;
    buffer[SCD_RESPONSE_MAX - 1] = 0x01;
    g_assert_false(scd_exchange_go_on(&exchange, SCD_RESPONSE_MAX));
    g_assert_cmpuint(exchange.length, ==, SCD_RESPONSE_MAX);
    g_assert_cmpuint(scd_exchange_room(&exchange), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exchange/nothing-follows", test_nothing_follows);
    g_test_add_func("/exchange/more-data", test_more_data);
    g_test_add_func("/exchange/wrong-le", test_wrong_le);
    g_test_add_func("/exchange/response-without-status", test_response_without_status);
    g_test_add_func("/exchange/no-end", test_no_end);
    g_test_add_func("/exchange/le-that-is-never-right", test_le_that_is_never_right);
    g_test_add_func("/exchange/full-answer", test_full_answer);
    return g_test_run();
}
