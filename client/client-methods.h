/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client-state.h"

/* Ends the calls of wait_for_card() that the card fits. */
void smartcardd_client_end_waits(SmartcarddClient *self, SmartcarddCard *card);
