/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A command and all that must follow it until its whole answer is there: the option "follow".
 *
 * Who speaks to the card sends exchange.command, receives the response at the end of the answer,
 * and asks whether to go on:
 *
 *     do {
 *         n = … receives at most scd_exchange_room() bytes at exchange.answer + exchange.length …
 *     } while (scd_exchange_go_on(&exchange, n));
 *
 * The answer is then the data of all responses, joined, and the last status word. A response of
 * 6Cxx that is followed leaves nothing behind.
 *
 * Cards are strangers: an exchange ends after SCD_EXCHANGE_MAX_ROUNDS commands, and before an
 * answer that has no room. Its status word, 61xx or 6Cxx, then tells that there was more.
 */

#include <glib.h>

#include "base/apdu.h"

#define SCD_EXCHANGE_MAX_ROUNDS 1024 /* 256 responses of 256 bytes make the longest answer */

typedef struct {
    const guint8 *command; /* to be sent next */
    gsize command_length;
    guint8 *answer; /* SCD_RESPONSE_MAX bytes, the caller's */
    gsize length;   /* of the answer so far */
    guint n_rounds;
    guint8 follow_up[SCD_FOLLOW_UP_MAX];
} ScdExchange;

/* The command must outlive the exchange. */
void scd_exchange_init(ScdExchange *exchange, const guint8 *command, gsize length, guint8 *answer);

/* Wipes the exchange. The whole answer is the caller's to wipe: old bytes may stand behind it. */
void scd_exchange_clear(ScdExchange *exchange);

/* How many bytes the next response may have. */
gsize scd_exchange_room(const ScdExchange *exchange);

/*
 * Takes a response of n bytes, at most scd_exchange_room(), that stand at the end of the answer.
 * TRUE: there is a next command to be sent. FALSE: the answer is complete, of exchange.length
 * bytes. One that is shorter than a status word ends the exchange too; what the caller makes of
 * that is its own business.
 */
gboolean scd_exchange_go_on(ScdExchange *exchange, gsize n);
