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

bool scd_turn_may_block(void);

/* A request without data, and whose answer has none. */
LONG scd_turn_ask_locked(ScdCard *card, ScdFrameOperation operation, DWORD argument);

/* Does not wait: SCARD_E_SHARING_VIOLATION while another handle has a transaction. */
LONG scd_turn_look_locked(ScdCard *card);

/* Waits where that is wanted. */
LONG scd_turn_wait_locked(ScdCard *card);
