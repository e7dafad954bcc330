/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "card-access.h"

#include <stdlib.h>

static bool may_block;

static void
read_environment(void)
{
    may_block = !getenv("PCSCLITE_NO_BLOCKING");
}

bool
pld_card_access_may_block(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_environment);
    return may_block;
}

LONG
pld_card_access_request_locked(PldCard *card, ScdFrameOperation operation, DWORD argument)
{
    const PldRequest request = {.operation = operation, .argument = (uint32_t)argument};
    PldAnswer nothing = {0};

    return pld_card_ask_locked(card, &request, &nothing);
}

/* pcscd has the driver asked for an attribute only when nothing stands in the way. */
LONG
pld_card_access_check_locked(PldCard *card)
{
    LONG code =
        pld_card_access_request_locked(card, SCD_FRAME_GET_ATTRIBUTE, SCARD_ATTR_ATR_STRING);

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
pld_card_access_wait_locked(PldCard *card)
{
    LONG code = pld_card_access_check_locked(card);

    if (code != SCARD_E_SHARING_VIOLATION || !pld_card_access_may_block())
        return code;
    code = pld_card_access_request_locked(card, SCD_FRAME_BEGIN, 0);
    return code == SCARD_S_SUCCESS
               ? pld_card_access_request_locked(card, SCD_FRAME_END, SCARD_LEAVE_CARD)
               : code;
}
