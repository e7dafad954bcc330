/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client-state.h"

/* Ends the calls of smartcardd_client_wait_for_card_async() whose conditions the card meets. */
void smartcardd_client_end_waits(SmartcarddClient *self, SmartcarddCard *card);
