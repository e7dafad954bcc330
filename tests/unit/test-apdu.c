/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/apdu.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

static void
test_lengths(void)
{
    const gsize good[] = {1, 4, 5, 261, 65544};
    const gsize bad[] = {0, 65545, G_MAXSIZE};

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_true(scd_command_check(good[i], &error));
        g_assert_no_error(error);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(scd_command_check(bad[i], &error));
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
        g_assert_true(g_str_has_prefix(error->message, "a command has 1 to 65544 bytes"));
    }
}

static void
test_status(void)
{
    const guint8 response[] = {0x01, 0x02, 0x90, 0x0F};
    guint16 status = 7;

    g_assert_false(scd_response_status(NULL, 0, &status));
    g_assert_false(scd_response_status(response, 1, &status));
    g_assert_cmpuint(status, ==, 7);
    g_assert_true(scd_response_status(response, 2, &status));
    g_assert_cmphex(status, ==, 0x0102);
    g_assert_true(scd_response_status(response, sizeof response, &status));
    g_assert_cmphex(status, ==, 0x900F);
}

static const struct {
    const char *command;
    guint16 status;
    const char *next; /* empty: nothing follows */
} follow_ups[] = {
    {"00A40400", 0x9000, ""},
    {"00A40400", 0x6D00, ""},
    {"00A40400", 0x6282, ""},
    {"00A4040002 3F00", 0x6112, "00C0000012"},
    {"00A4040002 3F00", 0x6100, "00C0000000"},
    {"00C0000012", 0x6110, "00C0000010"},
    {"0088000000 00FF 01", 0x6120, "00C0000020"},

    /* The logical channel is kept; chaining and secure messaging are not. */
    {"03B00000", 0x6101, "03C0000001"},
    {"1FB00000", 0x6101, "03C0000001"},
    {"0CB00000", 0x6101, "00C0000001"},
    {"4FB00000", 0x6101, "4FC0000001"},
    {"75B00000", 0x6101, "45C0000001"},

    /* Proprietary classes. */
    {"20B00000", 0x6101, "20C0000001"},
    {"80CA9F7F", 0x6101, "80C0000001"},
    {"A0A40000", 0x6101, "A0C0000001"},
    {"FFCA0000", 0x6101, "FFC0000001"},

    /* Without data: Le is corrected or added. */
    {"00B0000000", 0x6C12, "00B0000012"},
    {"00B0000012", 0x6C00, "00B0000000"},
    {"00B00000", 0x6C12, "00B0000012"},
    {"00C0000012", 0x6C10, "00C0000010"},

    /* With data and a short Le. */
    {"00A4040002 3F00 00", 0x6C12, "00A40400023F0012"},
    {"00A4040001 3F FF", 0x6C12, "00A40400013F12"},

    /* The command already has the requested Le. */
    {"00B0000012", 0x6C12, ""},
    {"00A4040002 3F00 12", 0x6C12, ""},

    /* With data and no Le, with extended lengths, or with inconsistent lengths. */
    {"00A4040002 3F00", 0x6C12, ""},
    {"00A4040003 3F00", 0x6C12, ""},
    {"00A4040002 3F00 00 00", 0x6C12, ""},
    {"00B00000 00 0000", 0x6C12, ""},
    {"00B00000 00 00", 0x6C12, ""},
    {"00A40400 00 0002 3F00", 0x6C12, ""},
    {"00A40400 00 0002 3F00 0000", 0x6C12, ""},

    /* Shorter than the header. */
    {"", 0x6112, ""},
    {"00", 0x6112, ""},
    {"00A404", 0x6112, ""},
    {"00A404", 0x6C12, ""},
};

static void
test_follow_ups(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(follow_ups); i++) {
        gsize length;
        g_autofree guint8 *command = scd_hex_to_bytes(follow_ups[i].command, &length, NULL);
        guint8 next[SCD_FOLLOW_UP_MAX];
        gsize n = scd_command_follow_up(command, length, follow_ups[i].status, next);
        g_autofree char *hex = scd_hex_from_bytes(next, n);

        g_assert_cmpstr(hex, ==, follow_ups[i].next);
    }
}

/* The next command may overwrite the previous one. */
static void
test_follow_up_in_place(void)
{
    guint8 command[SCD_FOLLOW_UP_MAX] = {0x00, 0xA4, 0x04, 0x00, 0xFF};

    g_assert_cmpuint(scd_command_follow_up(command, sizeof command, 0x6C12, command), ==,
                     SCD_FOLLOW_UP_MAX);
    g_assert_cmphex(command[SCD_FOLLOW_UP_MAX - 1], ==, 0x12);
    g_assert_cmphex(command[4], ==, 0xFF);
    g_assert_cmpuint(scd_command_follow_up(command, sizeof command, 0x6134, command), ==, 5);
    g_assert_cmphex(command[1], ==, 0xC0);
    g_assert_cmphex(command[4], ==, 0x34);
}

static void
test_any_bytes(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7816);

    for (guint round = 0; round < 20000; round++) {
        gsize length = (gsize)g_rand_int_range(rand, 0, 300);
        g_autofree guint8 *command = g_malloc(length);
        g_autofree guint8 *next = g_malloc(SCD_FOLLOW_UP_MAX);
        guint16 status = (guint16)g_rand_int(rand);

        for (gsize i = 0; i < length; i++)
            command[i] = (guint8)g_rand_int(rand);
        if (g_rand_boolean(rand))
            status = (guint16)((g_rand_boolean(rand) ? 0x6100 : 0x6C00) | (status & 0xFF));
        /* Often of the length in Lc. */
        if (length > 6 && g_rand_boolean(rand))
            command[4] = (guint8)(length - 6);
        g_assert_cmpuint(scd_command_follow_up(command, length, status, next), <=,
                         MIN(MAX(length + 1, 5), SCD_FOLLOW_UP_MAX));
    }
}

static void
test_expect(void)
{
    const char *const texts[] = {"9000", "61xx", "63Cx", "6aX2", NULL};
    g_autoptr(GError) error = NULL;
    ScdExpect expect;

    g_assert_true(scd_expect_parse(texts, &expect, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(expect.n_patterns, ==, 4);
    for (guint status = 0; status <= G_MAXUINT16; status++) {
        gboolean expected = status == 0x9000 || status >> 8 == 0x61 || status >> 4 == 0x63C ||
                            (status & 0xFF0F) == 0x6A02;

        g_assert_cmpint(scd_expect_matches(&expect, (guint16)status), ==, expected);
    }
}

static void
test_expect_anything(void)
{
    const char *const nothing[] = {NULL};
    const char *const anything[] = {"1234", "xxxx", NULL};
    ScdExpect expect;

    g_assert_true(scd_expect_parse(nothing, &expect, NULL));
    g_assert_true(scd_expect_matches(&expect, 0x6D00));
    g_assert_true(scd_expect_parse(anything, &expect, NULL));
    g_assert_true(scd_expect_matches(&expect, 0x6D00));
}

static void
test_expect_refusals(void)
{
    const char *const texts[] = {"",     "9",      "900",   "90000", "90 00",
                                 "90g0", "0x9000", " 9000", "9000 "};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        /* A copy of the exact length, so that a sanitizer detects a read past the end. */
        g_autofree char *text = g_strdup(texts[i]);
        const char *const vector[] = {"9000", text, NULL};
        g_autoptr(GError) error = NULL;
        ScdExpect expect;

        g_assert_false(scd_expect_parse(vector, &expect, &error));
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
        g_assert_cmpstr(
            error->message, ==,
            "pattern 2 of status words is not four hexadecimal digits or \"x\", such as "
            "9000 or 61xx");
    }
}

static void
test_expect_too_many(void)
{
    const char *vector[SCD_EXPECT_MAX + 2] = {NULL};
    g_autoptr(GError) error = NULL;
    ScdExpect expect;

    for (guint i = 0; i < SCD_EXPECT_MAX; i++)
        vector[i] = "9000";
    g_assert_true(scd_expect_parse(vector, &expect, NULL));
    vector[SCD_EXPECT_MAX] = "9000";
    g_assert_false(scd_expect_parse(vector, &expect, &error));
    g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
}

static void
put_bytes(ScdExchange *exchange, const guint8 *bytes, gsize n)
{
    g_assert_cmpuint(n, <=, scd_exchange_room(exchange));
    memcpy(exchange->answer + exchange->length, bytes, n);
}

/*
 * Runs an exchange with a card that sends these responses, and compares the commands that it
 * receives. All responses must be used. A colon stands for a response without bytes.
 */
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

/* Runs an exchange with a card that answers each command with the same data and status word. */
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

    /* All responses but the last, for which there is no room. */
    g_assert_cmpuint(count_rounds(256, 0x6100, buffer, &length), ==, 256);
    g_assert_cmpuint(length, ==, 65536 + 2);
    g_assert_true(scd_response_status(buffer, length, &status));
    g_assert_cmphex(status, ==, 0x6100);

    g_assert_cmpuint(count_rounds(100, 0x6164, buffer, &length), ==, 655);
    g_assert_cmpuint(length, ==, 65500 + 2);
}

/* Each response requests another Le. */
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
    g_test_add_func("/apdu/lengths", test_lengths);
    g_test_add_func("/apdu/status", test_status);
    g_test_add_func("/apdu/follow-ups", test_follow_ups);
    g_test_add_func("/apdu/follow-up-in-place", test_follow_up_in_place);
    g_test_add_func("/apdu/any-bytes", test_any_bytes);
    g_test_add_func("/apdu/expect", test_expect);
    g_test_add_func("/apdu/expect-anything", test_expect_anything);
    g_test_add_func("/apdu/expect-refusals", test_expect_refusals);
    g_test_add_func("/apdu/expect-too-many", test_expect_too_many);
    g_test_add_func("/exchange/nothing-follows", test_nothing_follows);
    g_test_add_func("/exchange/more-data", test_more_data);
    g_test_add_func("/exchange/wrong-le", test_wrong_le);
    g_test_add_func("/exchange/response-without-status", test_response_without_status);
    g_test_add_func("/exchange/no-end", test_no_end);
    g_test_add_func("/exchange/le-that-is-never-right", test_le_that_is_never_right);
    g_test_add_func("/exchange/full-answer", test_full_answer);
    return g_test_run();
}
