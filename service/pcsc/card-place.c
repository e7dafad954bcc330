/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/card-place.h"

#include <reader.h>
#include <string.h>
#include <winscard.h>

#include "pcsc/code.h"
#include "pcsc/context.h"
#include "pcsc/reader-use.h"

/* The wait for pcscd to see that a card was removed. */
#define CAUSE_TRIES 45
#define CAUSE_PAUSE_US 10000

static guint32
query_in_worker(long card)
{
    guint8 atr[MAX_BUFFER_SIZE];
    gsize length = sizeof atr;

    return scd_pcsc_get_attribute(card, SCARD_ATTR_ATR_STRING, atr, &length);
}

guint32
scd_card_check_access_in_worker(long card)
{
    guint32 code = query_in_worker(card);

    switch (code) {
    case SCARD_E_SHARING_VIOLATION:
    case SCARD_W_RESET_CARD:
    case SCARD_W_REMOVED_CARD:
        return code;
    default: /* the result of the driver does not matter */
        return SCARD_S_SUCCESS;
    }
}

gboolean
scd_card_has_atr_in_worker(long card, GBytes *expected)
{
    guint8 atr[MAX_BUFFER_SIZE];
    gsize length = sizeof atr;

    if (scd_pcsc_get_attribute(card, SCARD_ATTR_ATR_STRING, atr, &length) != SCARD_S_SUCCESS)
        return TRUE;
    return length == g_bytes_get_size(expected) &&
           memcmp(atr, g_bytes_get_data(expected, NULL), length) == 0;
}

guint32
scd_card_compare_in_worker(long card, GBytes *granted)
{
    guint8 atr[MAX_BUFFER_SIZE];
    gsize length = sizeof atr;
    guint32 code = scd_pcsc_get_attribute(card, SCARD_ATTR_ATR_STRING, atr, &length);

    if (code == SCARD_E_SHARING_VIOLATION || code == SCARD_W_RESET_CARD ||
        code == SCARD_W_REMOVED_CARD)
        return code;
    if (code != SCARD_S_SUCCESS || length == 0)
        return g_bytes_get_size(granted) == 0 ? SCARD_E_NO_SMARTCARD : SCARD_S_SUCCESS;
    if (length == g_bytes_get_size(granted) &&
        memcmp(atr, g_bytes_get_data(granted, NULL), length) == 0)
        return SCARD_S_SUCCESS;
    return SCARD_E_CARD_UNSUPPORTED;
}

/*
 * A driver reports a card that is pulled during a command as it reports any failure, and pcscd sees
 * the removal a little later: within 400 ms with a driver that it has to poll.
 */
guint32
scd_card_find_cause_in_worker(long card, const ScdJob *job)
{
    if (job->code == SCARD_E_NO_SMARTCARD)
        return SCARD_W_REMOVED_CARD;
    if (scd_code_is_reader_gone(job->code))
        return SCARD_E_READER_UNAVAILABLE;
    if (job->code != SCARD_E_NOT_TRANSACTED && job->code != SCARD_E_COMM_DATA_LOST)
        return job->code;
    for (guint i = 0; i < CAUSE_TRIES && !scd_job_is_answered(job); i++) {
        guint32 code = query_in_worker(card);
        if (scd_code_is_reader_gone(code))
            return SCARD_E_READER_UNAVAILABLE;
        if (code == SCARD_W_REMOVED_CARD || scd_code_is_connection_lost(code))
            return code;
        if (code == SCARD_W_RESET_CARD || code == SCARD_E_SHARING_VIOLATION)
            break;
        g_usleep(CAUSE_PAUSE_US);
    }
    return job->code;
}

gboolean
scd_card_is_documented_attribute(guint32 id)
{
    guint32 class = id >> 16;

    return (class >= SCARD_CLASS_VENDOR_INFO && class <= SCARD_CLASS_ICC_STATE) ||
           class == SCARD_CLASS_SYSTEM;
}

void
scd_card_place_note_other_program(ScdCardPlace *place)
{
    place->last_user = NULL;
    place->n_uses++;
}

/* Counts a use of the card. A handle that knew of all uses before knows of this one, too. */
static void
note_use(ScdCardHandle *handle, ScdCardPlace *place)
{
    gboolean knows_all = handle->n_uses == place->n_uses;

    if (place->last_user == handle)
        return;
    place->last_user = handle;
    place->n_uses++;
    if (knows_all)
        handle->n_uses = place->n_uses;
}

void
scd_card_handle_note_reset(ScdCardHandle *handle, ScdCardPlace *place, guint32 action, guint32 code)
{
    if (code == SCARD_W_RESET_CARD || code == SCARD_W_REMOVED_CARD)
        handle->used = FALSE;
    if (code != SCARD_S_SUCCESS || (action != SCARD_RESET_CARD && action != SCARD_UNPOWER_CARD))
        return;
    note_use(handle, place);
    handle->used = FALSE;
    scd_reader_use_set_unclean(place->reader, FALSE);
    place->reset = TRUE;
}

void
scd_card_handle_note_command(ScdCardHandle *handle, ScdCardPlace *place, guint32 code)
{
    switch (code) {
    case SCARD_W_RESET_CARD:
    case SCARD_W_REMOVED_CARD:
        handle->used = FALSE;
        break;
    case SCARD_E_SHARING_VIOLATION:
    case SCARD_E_PROTO_MISMATCH:
        break;
    default:
        handle->used = TRUE;
        note_use(handle, place);
    }
}

void
scd_card_handle_copy_loss(ScdCardHandle *handle, ScdJob *job)
{
    job->loss = handle->loss;
    if (job->kind == SCD_JOB_RECONNECT && handle->loss == SCD_CARD_LOST)
        handle->loss = SCD_CARD_KEPT;
}

void
scd_card_handle_restore_loss(ScdCardHandle *handle, const ScdJob *job, gboolean done)
{
    if (job->kind == SCD_JOB_RECONNECT && !(done && job->code == SCARD_S_SUCCESS))
        handle->loss = MAX(handle->loss, job->loss);
}

void
scd_card_handle_set_atr(ScdCardHandle *handle, GBytes *atr)
{
    g_clear_pointer(&handle->atr, g_bytes_unref);
    handle->atr = atr ? g_bytes_ref(atr) : NULL;
}

void
scd_card_handle_clear_connection(ScdCardHandle *handle)
{
    g_atomic_int_set(&handle->connected, FALSE);
    handle->used = FALSE;
    g_atomic_int_set(&handle->depth, 0);
}

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

/*
 * Ends the connection, and sets the code of the job; whatever that is, the handle is closed then.
 * Returns FALSE, and does nothing, while another handle has a transaction.
 */
static gboolean
disconnect_with_disposition_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    job->code = job->action == SCARD_RESET_CARD
                    ? reconnect_directly_in_worker(handle, SCARD_RESET_CARD)
                    : keep_others_out_in_worker(handle);
    if (job->code == SCARD_E_SHARING_VIOLATION)
        return FALSE;
    gboolean may_act = job->code == SCARD_S_SUCCESS;
    scd_card_handle_note_reset(handle, place, job->action, job->code);
    if (job->action == SCARD_EJECT_CARD && may_act)
        SCardEndTransaction(handle->card, SCARD_EJECT_CARD);
    job->code = job->action == SCARD_UNPOWER_CARD && may_act
                    ? scd_pcsc_disconnect_and_unpower(handle->card)
                    : scd_pcsc_disconnect(handle->card);
    return TRUE;
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
    } else if (!disconnect_with_disposition_in_worker(handle, place, job)) {
        return SCD_OUTCOME_BUSY;
    }
    scd_card_handle_clear_connection(handle);
    return SCD_OUTCOME_DONE;
}
