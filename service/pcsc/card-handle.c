/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/card-handle.h"

#include <string.h>
#include <winscard.h>

#include <reader.h>

#include "base/apdu.h"
#include "base/bytes.h"
#include "base/words.h"
#include "pcsc/card-place.h"
#include "pcsc/channel.h"
#include "pcsc/context.h"
#include "pcsc/pin-pad.h"

_Static_assert(SCD_PCSC_BUFFER_SIZE == MAX_BUFFER_SIZE_EXTENDED, "the largest APDU of PC/SC");

gboolean
scd_card_handle_is_held_up_in_worker(const ScdCardHandle *handle)
{
    return handle->connected &&
           scd_card_check_access_in_worker(handle->card) == SCARD_E_SHARING_VIOLATION;
}

gboolean
scd_card_handle_was_reset_in_worker(const ScdCardHandle *handle, ScdCardPlace *place)
{
    guint32 code = scd_card_check_access_in_worker(handle->card);

    if (code == SCARD_E_SHARING_VIOLATION)
        scd_card_place_note_other_program(place);
    return code == SCARD_W_RESET_CARD;
}

static void
set_active_mode(ScdCardHandle *handle, guint32 share_mode, DWORD protocol)
{
    handle->exclusive = share_mode == SCARD_SHARE_EXCLUSIVE;
    g_atomic_int_set(&handle->share_mode, share_mode);
    g_atomic_int_set(&handle->protocol, (guint)protocol);
}

/* Returns whether the client is not authorized for the card. A direct handle uses no card. */
static gboolean
is_other_card_in_worker(SCARDHANDLE card, const ScdJob *job)
{
    return job->share_mode != SCARD_SHARE_DIRECT && job->atr &&
           !scd_card_has_atr_in_worker(card, job->atr);
}

static ScdOutcome
connect_card_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    /* A direct connection with a protocol would change that of all other users of the card. */
    DWORD protocols = job->share_mode == SCARD_SHARE_DIRECT ? 0 : job->protocols;
    SCARDHANDLE card = 0;
    DWORD active = 0;

    job->code =
        SCardConnect(place->context, place->reader, job->share_mode, protocols, &card, &active);
    if (job->code != SCARD_S_SUCCESS)
        return SCD_OUTCOME_DONE;
    GBytes *only = job->inputs.length > 0 ? scd_bytes_list_get(&job->inputs, 0) : NULL;
    if (!only && is_other_card_in_worker(card, job)) {
        scd_pcsc_disconnect(card);
        return SCD_OUTCOME_BUSY; /* the main thread has not seen this card yet */
    }
    if (only && !scd_card_has_atr_in_worker(card, only)) {
        scd_pcsc_disconnect(card);
        job->code = SCARD_W_REMOVED_CARD;
        return SCD_OUTCOME_DONE;
    }
    handle->card = card;
    g_atomic_int_set(&handle->connected, TRUE);
    handle->reset = FALSE;
    handle->bound = only != NULL;
    handle->n_uses = place->n_uses;
    if (place->last_user == handle) /* another handle, which was freed */
        place->last_user = NULL;
    set_active_mode(handle, job->share_mode, active);
    job->protocol = active;
    return SCD_OUTCOME_DONE;
}

/* For calls that pcscd does not refuse. Sets the code of the job if it returns TRUE. */
static gboolean
has_lost_bound_card_in_worker(const ScdCardHandle *handle, ScdJob *job)
{
    if (!handle->bound || (handle->refusal != SCARD_W_REMOVED_CARD &&
                           scd_card_check_access_in_worker(handle->card) != SCARD_W_REMOVED_CARD))
        return FALSE;
    job->code = SCARD_W_REMOVED_CARD;
    return TRUE;
}

static guint32
change_mode_in_worker(ScdCardHandle *handle, guint32 share_mode, guint32 protocols, guint32 action)
{
    DWORD active = 0;
    guint32 code =
        SCardReconnect(handle->card, share_mode, share_mode == SCARD_SHARE_DIRECT ? 0 : protocols,
                       action, &active);

    if (code != SCARD_S_SUCCESS)
        return code;
    /* pcscd (1.9.9 to 2.5) keeps the lock of an exclusive handle that becomes shared, but not with
     * those of transactions: then it counts one less. */
    if (handle->exclusive && share_mode != SCARD_SHARE_EXCLUSIVE &&
        g_atomic_int_get(&handle->depth) == 0)
        SCardEndTransaction(handle->card, SCARD_LEAVE_CARD);
    set_active_mode(handle, share_mode, active);
    return code;
}

/* access: what pcscd has answered */
static guint32
get_event(const ScdCardHandle *handle, guint32 access)
{
    if (handle->refusal)
        return handle->refusal;
    return access == SCARD_W_REMOVED_CARD || access == SCARD_W_RESET_CARD ? access : 0;
}

static ScdOutcome
reconnect_card_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    if (has_lost_bound_card_in_worker(handle, job))
        return SCD_OUTCOME_DONE;
    guint32 access = scd_card_check_access_in_worker(handle->card);
    job->event_before = get_event(handle, access);
    if (access == SCARD_W_REMOVED_CARD) /* the main thread may not have seen the removal yet */
        g_atomic_int_set(&handle->depth, 0);
    job->mode_before = handle->share_mode;
    job->code = change_mode_in_worker(handle, job->share_mode, job->protocols, job->action);
    /* Only for exclusive use does the code mean other users; else it means a transaction. */
    if (job->code == SCARD_E_SHARING_VIOLATION && job->share_mode != SCARD_SHARE_EXCLUSIVE)
        return SCD_OUTCOME_BUSY;
    scd_card_handle_note_reset(handle, place, job->action, job->code);
    if (job->code != SCARD_S_SUCCESS)
        return SCD_OUTCOME_DONE;
    handle->reset = FALSE;
    handle->refusal = 0;
    job->protocol = handle->protocol;
    if (is_other_card_in_worker(handle->card, job)) {
        job->code = handle->refusal = SCARD_W_REMOVED_CARD;
        handle->used = FALSE;
    }
    return SCD_OUTCOME_DONE;
}

/* The client has not confirmed the event, and did not get the mode. */
static void
undo_reconnect_in_worker(ScdCardHandle *handle, const ScdJob *job)
{
    if (handle->share_mode != job->mode_before)
        change_mode_in_worker(handle, job->mode_before,
                              handle->protocol ? handle->protocol : job->protocols,
                              SCARD_LEAVE_CARD);
    handle->refusal = job->event_before;
}

/*
 * Closes the handle, which ends its transaction, and opens another one. Until a reconnect it is
 * refused with the code, which is that of an event that pcscd will not report for the new handle.
 */
static void
replace_card_in_worker(ScdCardHandle *handle, const ScdCardPlace *place, guint32 refusal)
{
    DWORD active;

    scd_pcsc_disconnect(handle->card);
    if (SCardConnect(place->context, place->reader, SCARD_SHARE_DIRECT, 0, &handle->card,
                     &active) == SCARD_S_SUCCESS)
        handle->refusal = refusal;
    else
        scd_card_handle_clear_connection(handle);
    handle->exclusive = FALSE;
}

/*
 * A removal ends the transactions of a reader. pcscd (1.9.9 to 2.5) may see it between its check of
 * the handle and the begin, and then the transaction can only be ended with the handle, since
 * SCardEndTransaction fails. All connects would wait for that, in the thread that could do it.
 */
static guint32
lock_card_in_worker(ScdCardHandle *handle, const ScdCardPlace *place)
{
    guint32 code = SCardBeginTransaction(handle->card);

    if (code != SCARD_S_SUCCESS ||
        scd_card_check_access_in_worker(handle->card) != SCARD_W_REMOVED_CARD)
        return code;
    replace_card_in_worker(handle, place, SCARD_W_REMOVED_CARD);
    handle->used = FALSE; /* the new handle would be that of a card that is inserted now */
    g_atomic_int_set(&handle->depth, 0);
    return SCARD_W_REMOVED_CARD;
}

/*
 * Another program can take the card between the check and SCardBeginTransaction, which then waits
 * for the end of that transaction: it has no time limit, PCSCLITE_NO_BLOCKING does not apply to it,
 * and SCardCancel does not end it (1.9.9 to 2.5). To disconnect the handle in another thread would
 * end it, but block all calls of the process meanwhile, and is not safe before 2.4. Only jobs on
 * this reader have to wait, and those that have a time limit are answered by then.
 */
static ScdOutcome
begin_transaction_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    if (g_atomic_int_get(&handle->depth) == 0) {
        job->code = scd_card_check_access_in_worker(handle->card);
        if (job->code == SCARD_E_SHARING_VIOLATION)
            return SCD_OUTCOME_BUSY;
        if (job->code != SCARD_S_SUCCESS)
            return SCD_OUTCOME_DONE;
    }
    job->code = lock_card_in_worker(handle, place);
    if (job->code != SCARD_S_SUCCESS)
        return SCD_OUTCOME_DONE;
    g_atomic_int_inc(&handle->depth);
    job->card_used = handle->n_uses != place->n_uses;
    handle->n_uses = place->n_uses;
    return SCD_OUTCOME_DONE;
}

static ScdOutcome
end_transaction_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    job->code = SCardEndTransaction(handle->card, job->action);
    scd_card_handle_note_reset(handle, place, job->action, job->code);
    /* pcscd reports the reset to the handle that made it, too. */
    if (job->code == SCARD_E_NOT_TRANSACTED)
        scd_card_handle_note_reset(handle, place, job->action,
                                   SCARD_S_SUCCESS); /* it has reset the card even so */
    handle->reset = handle->reset || place->reset;
    if (job->code == SCARD_W_REMOVED_CARD || /* the removal has ended it */
        (job->code == SCARD_E_NOT_TRANSACTED && job->action == SCARD_LEAVE_CARD))
        g_atomic_int_set(&handle->depth, 0);
    else if (job->code != SCARD_W_RESET_CARD &&        /* it lasts until SCardReconnect */
             job->code != SCARD_E_SHARING_VIOLATION && /* it was not this handle's */
             g_atomic_int_get(&handle->depth) > 0)
        g_atomic_int_add(&handle->depth, -1); /* also if the reset or the eject has failed */
    return SCD_OUTCOME_DONE;
}

/* Returns the protocol in the headers of commands. */
static guint32
get_command_protocol(const ScdCardHandle *handle, const ScdJob *job)
{
    guint32 protocol = g_atomic_int_get(&handle->protocol);

    if (job->number)
        return job->number;
    return protocol == SCARD_PROTOCOL_T0 || protocol == SCARD_PROTOCOL_T1 ? protocol
                                                                          : SCARD_PROTOCOL_RAW;
}

/* Sends one command of the job. *length: the room for the answer, then the length of the answer. */
static guint32
transmit_command_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job,
                           gconstpointer command, gsize command_length, guint8 *answer,
                           gsize *length)
{
    guint32 protocol = get_command_protocol(handle, job);
    guint32 reported = SCD_FRAME_NO_PROTOCOL;
    guint32 code = scd_pcsc_transmit(handle->card, protocol, command, command_length,
                                     job->number ? &reported : NULL, answer, length);

    scd_card_handle_note_command(handle, place, code);
    job->protocol = job->number ? reported : 0;
    /* Some readers report success if the card was removed during the command. */
    if (code == SCARD_S_SUCCESS && *length < 2 && protocol != SCARD_PROTOCOL_RAW)
        code = SCARD_E_COMM_DATA_LOST;
    return code;
}

/* Sends one command and, if job->follow is set, those that fetch the rest of its response. */
static guint32
exchange_command_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job, GBytes *command,
                           GBytes **response)
{
    ScdExchange exchange;
    gsize length, used = 0, n;
    const guint8 *bytes = g_bytes_get_data(command, &length);
    guint32 code;
    gboolean more;

    scd_exchange_init(&exchange, bytes, length, place->buffer);
    do {
        n = scd_exchange_room(&exchange);
        code = transmit_command_in_worker(handle, place, job, exchange.command,
                                          exchange.command_length, place->buffer + exchange.length,
                                          &n);
        used = MAX(used, exchange.length + n);
        more = code == SCARD_S_SUCCESS && job->follow && scd_exchange_go_on(&exchange, n);
    } while (more);
    if (code == SCARD_S_SUCCESS)
        *response = scd_job_new_output(job, place->buffer, job->follow ? exchange.length : n);
    else if (code == SCARD_E_SHARING_VIOLATION && exchange.command != bytes)
        code = SCARD_E_COMM_DATA_LOST; /* part of the exchange is done: it cannot be repeated */
    explicit_bzero(place->buffer, used);
    scd_exchange_clear(&exchange);
    return code;
}

static gboolean
is_expected(const ScdJob *job, GBytes *response)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);
    guint16 status;

    return job->expect.n_patterns == 0 || (scd_response_status(bytes, length, &status) &&
                                           scd_expect_matches(&job->expect, status));
}

/* A direct connection is one to the reader. */
static void
find_cause_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    if (!job->finds_cause || handle->share_mode == SCARD_SHARE_DIRECT)
        return;
    job->code = scd_card_find_cause_in_worker(handle->card, job);
    if (job->code == SCARD_W_REMOVED_CARD)
        scd_card_handle_note_command(handle, place, job->code);
}

/*
 * pcscd lets a direct handle use each card that is inserted. Returns FALSE with the outcome, and
 * the code in the job, if there is no card, or one that the main thread has not seen yet.
 */
static gboolean
may_use_card_in_worker(const ScdCardHandle *handle, ScdJob *job, ScdOutcome *outcome)
{
    if (handle->share_mode != SCARD_SHARE_DIRECT || !job->atr)
        return TRUE;
    guint32 code = scd_card_compare_in_worker(handle->card, job->atr);
    job->meets_other_card = code == SCARD_E_CARD_UNSUPPORTED;
    if (code != SCARD_E_CARD_UNSUPPORTED && code != SCARD_E_NO_SMARTCARD)
        return TRUE;
    job->code = job->meets_other_card ? (guint32)SCARD_E_SHARING_VIOLATION : code;
    *outcome = job->meets_other_card ? SCD_OUTCOME_BUSY : SCD_OUTCOME_DONE;
    return FALSE;
}

static ScdOutcome
run_script_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    while (job->outputs.length < job->inputs.length) {
        GBytes *command = scd_bytes_list_get(&job->inputs, job->outputs.length);
        g_autoptr(GBytes) response = NULL;
        ScdOutcome outcome;

        if (!may_use_card_in_worker(handle, job, &outcome))
            return outcome;
        job->code = exchange_command_in_worker(handle, place, job, command, &response);
        if (job->code == SCARD_E_SHARING_VIOLATION)
            return SCD_OUTCOME_BUSY;
        if (job->code != SCARD_S_SUCCESS) {
            find_cause_in_worker(handle, place, job);
            break;
        }
        gboolean go_on = is_expected(job, response);
        scd_job_add_output_in_worker(job, g_steal_pointer(&response));
        if (!go_on || job->outputs.length == job->inputs.length)
            break;
        if (scd_job_is_answered(job)) {
            job->code = SCARD_E_CANCELLED;
            break;
        }
        job->out_of_room = !scd_job_has_room_in_worker(job);
        if (job->out_of_room)
            break;
        if (!place->may_go_on(place->data))
            return SCD_OUTCOME_PAUSED;
    }
    return SCD_OUTCOME_DONE;
}

/* Adds a copy of the buffer to the outputs of the job, and wipes the buffer. */
static void
take_output(ScdCardPlace *place, ScdJob *job, gsize length)
{
    if (job->code == SCARD_S_SUCCESS)
        scd_job_add_output_in_worker(job, scd_job_new_output(job, place->buffer, length));
    explicit_bzero(place->buffer, length);
}

/* pcscd lets a handle send control codes whatever has become of its card. */
static gboolean
may_send_control_in_worker(const ScdCardHandle *handle, ScdJob *job, ScdControlEffect effect,
                           ScdOutcome *outcome)
{
    if (effect == SCD_CONTROL_DESCRIBES)
        return TRUE;
    if (!may_use_card_in_worker(handle, job, outcome))
        return effect == SCD_CONTROL_OF_DRIVER && *outcome == SCD_OUTCOME_DONE;
    if (effect == SCD_CONTROL_OF_DRIVER)
        return TRUE;
    *outcome = SCD_OUTCOME_DONE;
    job->code = scd_card_check_access_in_worker(handle->card);
    return job->code == SCARD_S_SUCCESS;
}

static ScdOutcome
send_control_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    gsize input_length, length = SCD_PCSC_BUFFER_SIZE;
    gconstpointer input = g_bytes_get_data(scd_bytes_list_get(&job->inputs, 0), &input_length);
    ScdControlEffect effect;
    ScdOutcome outcome;

    if (has_lost_bound_card_in_worker(handle, job) ||
        !scd_pin_pad_may_send_in_worker(handle->card, job, &effect))
        return SCD_OUTCOME_DONE;
    if (!may_send_control_in_worker(handle, job, effect, &outcome))
        return outcome;
    job->code =
        scd_pcsc_control(handle->card, job->number, input, input_length, place->buffer, &length);
    if (effect == SCD_CONTROL_ENTERS_PIN ||
        (effect == SCD_CONTROL_OF_DRIVER && handle->share_mode != SCARD_SHARE_DIRECT))
        scd_card_handle_note_command(handle, place, job->code);
    take_output(place, job, length);
    return SCD_OUTCOME_DONE;
}

/* In a transaction: a reset, or another program's command, would separate the PIN from its card. */
static ScdOutcome
enter_pin_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    const ScdPinPad pad = {
        .card = handle->card,
        .job = job,
        .buffer = place->buffer,
        .room = SCD_PCSC_BUFFER_SIZE,
        .await_answer = place->await_answer,
        .data = place->data,
    };
    gsize length = 0;
    ScdOutcome outcome;

    if (!may_use_card_in_worker(handle, job, &outcome))
        return outcome;
    job->code = scd_card_check_access_in_worker(handle->card);
    if (job->code == SCARD_E_SHARING_VIOLATION)
        return SCD_OUTCOME_BUSY;
    if (job->code == SCARD_S_SUCCESS)
        job->code = lock_card_in_worker(handle, place);
    scd_card_handle_note_reset(handle, place, SCARD_LEAVE_CARD, job->code);
    if (job->code != SCARD_S_SUCCESS)
        return SCD_OUTCOME_DONE;
    job->code = scd_pin_pad_enter_in_worker(&pad, &length);
    guint32 access =
        job->code == SCARD_S_SUCCESS ? job->code : scd_card_check_access_in_worker(handle->card);
    if (access != SCARD_S_SUCCESS)
        job->code = access;
    else
        find_cause_in_worker(handle, place, job);
    if (job->code != SCARD_E_UNSUPPORTED_FEATURE)
        scd_card_handle_note_command(handle, place, job->code);
    SCardEndTransaction(handle->card, SCARD_LEAVE_CARD);
    take_output(place, job, length);
    return SCD_OUTCOME_DONE;
}

static ScdOutcome
get_attribute_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    gsize length = MAX_BUFFER_SIZE; /* pcscd refuses larger buffers */

    if (scd_card_is_documented_attribute(job->number)) {
        job->code = scd_pcsc_get_attribute(handle->card, job->number, place->buffer, &length);
        take_output(place, job, length);
    } else {
        job->code = SCARD_E_UNSUPPORTED_FEATURE;
    }
    return SCD_OUTCOME_DONE;
}

static ScdOutcome
set_attribute_in_worker(ScdCardHandle *handle, ScdJob *job)
{
    gsize length;
    gconstpointer value = g_bytes_get_data(scd_bytes_list_get(&job->inputs, 0), &length);

    job->code = scd_card_is_documented_attribute(job->number)
                    ? SCardSetAttrib(handle->card, job->number, value, length)
                    : SCARD_E_UNSUPPORTED_FEATURE;
    return SCD_OUTCOME_DONE;
}

/* SCardStatus would access the table of readers, which in 1.9.9 only the monitor may use. */
static ScdOutcome
check_status_in_worker(ScdCardHandle *handle, ScdJob *job)
{
    job->code = scd_card_check_access_in_worker(handle->card);
    if (job->code == SCARD_E_SHARING_VIOLATION)
        job->code = SCARD_S_SUCCESS;
    return SCD_OUTCOME_DONE;
}

ScdOutcome
scd_card_handle_do_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job)
{
    if (job->kind == SCD_JOB_CONNECT)
        return connect_card_in_worker(handle, place, job);
    if (!handle->connected) {
        job->code = job->kind == SCD_JOB_DISCONNECT ? SCARD_S_SUCCESS : SCARD_E_INVALID_HANDLE;
        return SCD_OUTCOME_DONE;
    }
    if (handle->refusal && job->kind != SCD_JOB_RECONNECT && job->kind != SCD_JOB_DISCONNECT) {
        job->code = handle->refusal;
        return SCD_OUTCOME_DONE;
    }
    if (job->loss == SCD_CARD_LOST_FOR_EVER && job->kind != SCD_JOB_DISCONNECT) {
        job->code = SCARD_W_REMOVED_CARD;
        return SCD_OUTCOME_DONE;
    }
    switch (job->kind) {
    case SCD_JOB_RECONNECT:
        return reconnect_card_in_worker(handle, place, job);
    case SCD_JOB_DISCONNECT:
        return scd_card_handle_disconnect_in_worker(handle, place, job);
    case SCD_JOB_BEGIN:
        return begin_transaction_in_worker(handle, place, job);
    case SCD_JOB_END:
        return end_transaction_in_worker(handle, place, job);
    case SCD_JOB_TRANSMIT:
        return run_script_in_worker(handle, place, job);
    case SCD_JOB_ENTER_PIN:
        return enter_pin_in_worker(handle, place, job);
    case SCD_JOB_CONTROL:
        return send_control_in_worker(handle, place, job);
    case SCD_JOB_GET_ATTRIBUTE:
        return get_attribute_in_worker(handle, place, job);
    case SCD_JOB_SET_ATTRIBUTE:
        return set_attribute_in_worker(handle, job);
    case SCD_JOB_STATUS:
        return check_status_in_worker(handle, job);
    case SCD_JOB_CONNECT:
        break;
    }
    g_assert_not_reached();
}

void
scd_card_handle_undo_in_worker(ScdCardHandle *handle, const ScdJob *job)
{
    if (job->code != SCARD_S_SUCCESS)
        return;
    if (job->kind == SCD_JOB_CONNECT) {
        scd_pcsc_disconnect(handle->card);
        scd_card_handle_clear_connection(handle);
    } else if (job->kind == SCD_JOB_RECONNECT) {
        undo_reconnect_in_worker(handle, job);
    } else if (job->kind == SCD_JOB_BEGIN) {
        SCardEndTransaction(handle->card, SCARD_LEAVE_CARD);
        if (g_atomic_int_get(&handle->depth) > 0) /* it is 0 when the card was removed meanwhile */
            g_atomic_int_add(&handle->depth, -1);
    }
}

void
scd_card_handle_revoke_in_worker(ScdCardHandle *handle, const ScdCardPlace *place)
{
    for (; g_atomic_int_get(&handle->depth) > 1; g_atomic_int_add(&handle->depth, -1))
        SCardEndTransaction(handle->card, SCARD_LEAVE_CARD);
    /*
     * The reset is in the last call, because after it all others would fail. pcscd does not end a
     * transaction while its handle has a reset to confirm, such as one by the end of a nested
     * transaction; and it lets no handle confirm that if the card is mute now. The client has sent
     * no command since the reset.
     */
    if (SCardEndTransaction(handle->card, SCARD_RESET_CARD) == SCARD_W_RESET_CARD)
        replace_card_in_worker(handle, place, SCARD_W_RESET_CARD);
    handle->used = FALSE;
    g_atomic_int_set(&handle->depth, 0);
}
