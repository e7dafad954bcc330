/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/card-place.h"

#include <winscard.h>

#include "pcsc/reader-use.h"

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
    handle->connected = FALSE;
    handle->used = FALSE;
    g_atomic_int_set(&handle->depth, 0);
}
