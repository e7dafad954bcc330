/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "turn.h"

#include <stdlib.h>

static bool may_block;

static void
read_environment(void)
{
    may_block = !getenv("PCSCLITE_NO_BLOCKING");
}

bool
scd_turn_may_block(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_environment);
    return may_block;
}

LONG
scd_turn_ask_locked(ScdCard *card, ScdFrameOperation operation, DWORD argument)
{
    const ScdRequest request = {.operation = operation, .argument = (uint32_t)argument};
    ScdAnswer nothing = {0};

    return scd_card_ask_locked(card, &request, &nothing);
}

/* pcscd has the driver asked for an attribute only when nothing stands in the way. */
LONG
scd_turn_look_locked(ScdCard *card)
{
    LONG code = scd_turn_ask_locked(card, SCD_FRAME_GET_ATTRIBUTE, SCARD_ATTR_ATR_STRING);

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
scd_turn_wait_locked(ScdCard *card)
{
    LONG code = scd_turn_look_locked(card);

    if (code != SCARD_E_SHARING_VIOLATION || !scd_turn_may_block())
        return code;
    code = scd_turn_ask_locked(card, SCD_FRAME_BEGIN, 0);
    return code == SCARD_S_SUCCESS ? scd_turn_ask_locked(card, SCD_FRAME_END, SCARD_LEAVE_CARD)
                                   : code;
}
