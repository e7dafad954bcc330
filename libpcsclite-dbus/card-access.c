/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for the other users of a card, or not (PCSCLITE_NO_BLOCKING). */

#include <stdlib.h>

#include "card.h"

/* Until a reader that is busy without a transaction counts as in use by others. */
#define TRIES_WITHOUT_WAITING 10

static bool may_block;

static void
read_environment(void)
{
    may_block = !getenv("PCSCLITE_NO_BLOCKING");
}

bool
pld_card_may_block(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_environment);
    return may_block;
}

/*
 * Requests an attribute: pcscd checks transactions, resets and removals before it asks the driver.
 * The errors of the driver itself do not matter.
 */
static LONG
check_access_locked(PldCard *card)
{
    const PldRequest request = {.operation = SCD_FRAME_GET_ATTRIBUTE,
                                .argument = SCARD_ATTR_ATR_STRING};
    PldReply reply = {0};
    LONG code = pld_card_exchange_locked(card, &request, &reply);

    switch (code) {
    case SCARD_E_UNSUPPORTED_FEATURE:
    case SCARD_E_NOT_TRANSACTED:
    case SCARD_E_INSUFFICIENT_BUFFER:
        return SCARD_S_SUCCESS;
    default:
        return code;
    }
}

LONG
pld_card_wait_for_access_locked(PldCard *card)
{
    LONG code = check_access_locked(card);

    if (code != SCARD_E_SHARING_VIOLATION || !pld_card_may_block())
        return code;
    code = pld_card_begin_locked(card);
    return code == SCARD_S_SUCCESS ? pld_card_end_locked(card, SCARD_LEAVE_CARD) : code;
}

LONG
pld_card_attempt_locked(PldCard *card, PldAttempt attempt, void *data)
{
    if (pld_card_may_block())
        return attempt(card, data);
    for (unsigned tries = 0; tries < TRIES_WITHOUT_WAITING; tries++) {
        LONG code = attempt(card, data);
        if (code != SCARD_E_TIMEOUT)
            return code;
        /* Returns when the reader has executed the command that it was busy with. */
        code = check_access_locked(card);
        if (code != SCARD_S_SUCCESS)
            return code;
    }
    return SCARD_E_SHARING_VIOLATION;
}
