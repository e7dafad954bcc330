/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Commands, responses and status words according to ISO/IEC 7816-4:2020, clause 5.
 *
 * Raw protocols and non-standard cards exist, so no function refuses bytes because of their
 * content. The bytes may hold a PIN: errors never quote them, and each owner of a copy has to wipe
 * it.
 */

#include <glib.h>

#define SCD_COMMAND_MAX 65544        /* bytes: 4 of header, 3 of Lc, 65,535 of data, 2 of Le */
#define SCD_RESPONSE_MAX 65548       /* the maximum of libpcsclite; by the standard it is 65,538 */
#define SCD_FOLLOW_UP_MAX 261        /* 4 of header, Lc, 255 of data, Le */
#define SCD_EXPECT_MAX 32            /* patterns in one call */
#define SCD_EXCHANGE_MAX_ROUNDS 1024 /* 256 responses of 256 bytes make the longest answer */

/* Returns FALSE with SCD_INVALID_ARGS if no command can have this length. */
gboolean scd_command_check(gsize length, GError **error);

/* Sets status to the last two bytes of a response. Returns FALSE if it has fewer. */
gboolean scd_response_status(const guint8 *response, gsize length, guint16 *status);

/*
 * Writes the command that fetches the rest of a response: GET RESPONSE after 61xx, and after 6Cxx
 * the same command with the Le that the card requests, unless the command had that Le already or
 * has no place for a short Le. Returns its length, at most SCD_FOLLOW_UP_MAX, or 0 if the response
 * is complete. next may be the command itself.
 */
gsize scd_command_follow_up(const guint8 *command, gsize length, guint16 status, guint8 *next);

typedef struct {
    guint16 value;
    guint16 mask; /* the bits of a status word that are compared */
} ScdStatusPattern;

/* The status words after which a script continues: all of them if there is no pattern. */
typedef struct {
    ScdStatusPattern patterns[SCD_EXPECT_MAX];
    guint n_patterns;
} ScdExpect;

/*
 * Parses patterns of four hexadecimal digits, with "x" for any digit: 9000, 61xx. The vector ends
 * with NULL. The error, SCD_INVALID_ARGS, has the number of the invalid pattern, from 1.
 */
gboolean scd_expect_parse(const char *const *texts, ScdExpect *expect, GError **error);
gboolean scd_expect_matches(const ScdExpect *expect, guint16 status);

/*
 * An exchange is a command together with the commands that fetch the rest of its response: the
 * option "follow". The caller sends exchange.command, receives the response behind the answer so
 * far, and repeats that while there is a next command:
 *
 *     do {
 *         n = … receives at most scd_exchange_room() bytes at exchange.answer + exchange.length …
 *     } while (scd_exchange_go_on(&exchange, n));
 *
 * The answer is then the data of all responses, joined, and the last status word. A response of
 * 6Cxx that is followed is dropped from the answer.
 *
 * Responses are not trusted: an exchange ends after SCD_EXCHANGE_MAX_ROUNDS commands, and before a
 * response for which there is no room. Its status word, 61xx or 6Cxx, then shows that the answer is
 * not complete.
 */
typedef struct {
    const guint8 *command; /* the next one to send */
    gsize command_length;
    guint8 *answer; /* SCD_RESPONSE_MAX bytes, owned by the caller */
    gsize length;   /* of the answer so far */
    guint n_rounds;
    guint8 follow_up[SCD_FOLLOW_UP_MAX];
} ScdExchange;

/* The command must outlive the exchange. */
void scd_exchange_init(ScdExchange *exchange, const guint8 *command, gsize length, guint8 *answer);

/*
 * Wipes the exchange. The caller wipes the answer, all of it that was written: earlier responses
 * may have been longer.
 */
void scd_exchange_clear(ScdExchange *exchange);

/* Returns the maximum length of the next response. */
gsize scd_exchange_room(const ScdExchange *exchange);

/*
 * Adds a response of n bytes, at most scd_exchange_room(), that the caller has written at the end
 * of the answer. Returns TRUE if exchange.command is to be sent next, FALSE if the answer is
 * complete and has exchange.length bytes. A response shorter than a status word ends the exchange
 * as well.
 */
gboolean scd_exchange_go_on(ScdExchange *exchange, gsize n);
