/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/card-close.h"

#include <winscard.h>

#include "pcsc/card-access.h"
#include "pcsc/context.h"
#include "pcsc/reader-use.h"

/*
 * Resets the card, or only clears the report of an earlier reset, at once:
 * SCARD_E_SHARING_VIOLATION if another handle has a transaction. SCardDisconnect would wait for its
 * end. Without a protocol: the next user of the card chooses one. An exclusive handle becomes a
 * shared one.
 */
static guint32
reconnect_directly_in_worker(const ScdCardHandle *handle, guint32 action)
{
    DWORD active;

    return SCardReconnect(handle->card, SCARD_SHARE_DIRECT, 0, action, &active);
}

/* So that SCardDisconnect or SCardEndTransaction need not wait. */
static guint32
keep_others_out_in_worker(const ScdCardHandle *handle)
{
    if (handle->exclusive || g_atomic_int_get(&handle->depth) > 0)
        return SCARD_S_SUCCESS;
    guint32 code = reconnect_directly_in_worker(handle, SCARD_LEAVE_CARD);
    return code == SCARD_S_SUCCESS ? SCardBeginTransaction(handle->card) : code;
}

/* Ends the connection, if the code is not SCARD_E_SHARING_VIOLATION. */
static guint32
disconnect_with_disposition_in_worker(ScdCardHandle *handle, ScdCardPlace *place,
                                      guint32 disposition)
{
    guint32 code = disposition == SCARD_RESET_CARD
                       ? reconnect_directly_in_worker(handle, SCARD_RESET_CARD)
                       : keep_others_out_in_worker(handle);

    if (code == SCARD_E_SHARING_VIOLATION)
        return code;
    scd_card_handle_note_reset(handle, place, disposition, code);
    if (disposition == SCARD_UNPOWER_CARD && code == SCARD_S_SUCCESS)
        return scd_pcsc_disconnect_and_unpower(handle->card);
    if (disposition == SCARD_EJECT_CARD && code == SCARD_S_SUCCESS)
        SCardEndTransaction(handle->card, SCARD_EJECT_CARD);
    return scd_pcsc_disconnect(handle->card);
}

static void
reset_card_in_worker(ScdCardHandle *handle, ScdCardPlace *place)
{
    scd_card_handle_note_reset(handle, place, SCARD_RESET_CARD,
                               reconnect_directly_in_worker(handle, SCARD_RESET_CARD));
}

/* Resets the card if no other handle, of any program, is connected to it. */
static void
reset_card_if_alone_in_worker(ScdCardHandle *handle, ScdCardPlace *place)
{
    DWORD protocols = handle->protocol ? handle->protocol : SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1;
    DWORD active;

    scd_reader_use_begin_reset(place->reader);
    if (SCardReconnect(handle->card, SCARD_SHARE_EXCLUSIVE, protocols, SCARD_LEAVE_CARD, &active) ==
        SCARD_S_SUCCESS)
        reset_card_in_worker(handle, place);
    scd_reader_use_end_reset(place->reader);
}

/*
 * Resets the card unless that would take its state from another user. If the card is left to other
 * handles of the worker, the last one of these resets it; else the next one before it connects.
 */
static void
clean_card_in_worker(ScdCardHandle *handle, ScdCardPlace *place, gboolean owner_left)
{
    /* A direct connection is one to the reader, unless it was used for the card. */
    gboolean has_card = handle->share_mode != SCARD_SHARE_DIRECT || handle->used;
    gboolean in_transaction = owner_left && has_card && g_atomic_int_get(&handle->depth) > 0;
    gboolean last_of_unclean = scd_reader_use_is_unclean(place->reader) && !place->shared;

    if (!in_transaction && !(owner_left && handle->used) && !last_of_unclean)
        return;
    guint32 code = scd_card_check_access_in_worker(handle->card);
    scd_card_handle_note_reset(handle, place, SCARD_LEAVE_CARD, code);
    if (code == SCARD_W_RESET_CARD || code == SCARD_W_REMOVED_CARD)
        in_transaction = FALSE;
    gboolean used = owner_left && handle->used;
    if (in_transaction)
        reset_card_in_worker(handle, place);
    else if ((used || last_of_unclean) && !place->shared)
        reset_card_if_alone_in_worker(handle, place);
    if (used && handle->used)
        scd_reader_use_set_unclean(place->reader, TRUE);
}

void
scd_card_clean_in_worker(const ScdCardPlace *place)
{
    SCARDHANDLE card;
    DWORD active;

    if (!scd_reader_use_is_unclean(place->reader))
        return;
    scd_reader_use_begin_reset(place->reader);
    if (SCardConnect(place->context, place->reader, SCARD_SHARE_EXCLUSIVE,
                     SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &active) == SCARD_S_SUCCESS) {
        if (SCardReconnect(card, SCARD_SHARE_DIRECT, 0, SCARD_RESET_CARD, &active) ==
            SCARD_S_SUCCESS)
            scd_reader_use_set_unclean(place->reader, FALSE);
        scd_pcsc_disconnect(card);
    }
    scd_reader_use_end_reset(place->reader);
}

/*
 * pcscd would carry out the disposition on the card that is in the reader now. It remembers only
 * the last event for a handle: a removal, or the reset of a later card by another handle.
 */
static gboolean
has_lost_card_in_worker(const ScdCardHandle *handle, const ScdJob *job)
{
    if (handle->refusal == SCARD_W_REMOVED_CARD || job->loss == SCD_CARD_LOST_FOR_EVER)
        return TRUE;
    if (handle->share_mode == SCARD_SHARE_DIRECT && job->atr &&
        scd_card_compare_in_worker(handle->card, job->atr) == SCARD_E_CARD_UNSUPPORTED)
        return TRUE;
    guint32 code = scd_card_check_access_in_worker(handle->card);
    return code == SCARD_W_REMOVED_CARD ||
           (code == SCARD_W_RESET_CARD && job->loss == SCD_CARD_LOST);
}

ScdOutcome
scd_card_handle_disconnect_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    gboolean leaves = job->action == SCARD_LEAVE_CARD;
    gboolean owner_left = job->action == SCD_JOB_DISPOSITION_OWNER_LEFT ||
                          (!leaves && has_lost_card_in_worker(handle, job));

    if (owner_left || leaves) {
        clean_card_in_worker(handle, place, owner_left);
        job->code = scd_pcsc_disconnect(handle->card);
    } else {
        job->code = disconnect_with_disposition_in_worker(handle, place, job->action);
        if (job->code == SCARD_E_SHARING_VIOLATION)
            return SCD_OUTCOME_BUSY;
    }
    scd_card_handle_clear_connection(handle);
    return SCD_OUTCOME_DONE;
}
