/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What pcscd looks at before anything is done with a card: the transactions of
 * others, which are waited for, a reset, a removal.
 *
 * With PCSCLITE_NO_BLOCKING in the environment some functions do not wait, and
 * give SCARD_E_SHARING_VIOLATION, as those of pcsc-lite.
 */

#include "card.h"

bool pld_card_access_may_block(void);

/* A request without data, and whose answer has none. */
LONG pld_card_access_request_locked(PldCard *card, ScdFrameOperation operation, DWORD argument);

/* Does not wait: SCARD_E_SHARING_VIOLATION while another handle has a transaction. */
LONG pld_card_access_check_locked(PldCard *card);

/* Waits where that is wanted. */
LONG pld_card_access_wait_locked(PldCard *card);
