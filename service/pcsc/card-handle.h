/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The calls of winscard.h on a card handle (card-place.h), for the kinds of jobs.
 *
 * Another program's transaction is not an error. pcsc-lite would block in the call until that
 * transaction ends, and the call cannot be cancelled. A call that would have to wait is therefore
 * not made: the result is SCD_OUTCOME_BUSY, and the caller tries again later.
 */

#include "pcsc/card-place.h"

/* Returns whether another program, or another handle, has a transaction. */
gboolean scd_card_handle_is_held_up_in_worker(const ScdCardHandle *handle);

/* Returns whether the card was reset since the handle was connected or reconnected. */
gboolean scd_card_handle_was_reset_in_worker(const ScdCardHandle *handle, ScdCardPlace *place);

/* Runs the job; stores the return code and the outputs in it. */
ScdOutcome scd_card_handle_do_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job);

/* Reverts the effect of a job that was answered before: ends the transaction, disconnects,
 * or sets the share mode from before a reconnect, if it is still to be had. */
void scd_card_handle_undo_in_worker(ScdCardHandle *handle, const ScdJob *job);

/* Ends a transaction that took too long, and resets the card. */
void scd_card_handle_revoke_in_worker(ScdCardHandle *handle, const ScdCardPlace *place);
