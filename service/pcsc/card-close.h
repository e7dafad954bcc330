/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ends the connection of a card handle, and leaves the card as the disposition says. If the owner
 * has not chosen one, the card keeps no state that others could use, such as a verified PIN.
 */

#include "pcsc/card-place.h"

/*
 * To be called before the worker connects its first handle: resets the card if it has the state of
 * an ended session, and no other program has a handle on it now.
 */
void scd_card_clean_in_worker(const ScdCardPlace *place);

/*
 * Runs a SCD_JOB_DISCONNECT on a handle that is connected. SCD_OUTCOME_BUSY: another program has
 * the card, and the handle stays connected.
 */
ScdOutcome scd_card_handle_disconnect_in_worker(ScdCardHandle *handle, ScdCardPlace *place,
                                                ScdJob *job);
