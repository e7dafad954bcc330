/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of winscard.h that have something done by a card or its reader, and SCardStatus. */

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "card-access.h"

/* What SCardStatus tells, for the reader at this moment. */
typedef struct {
    DWORD state;
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;
} Status;

static DWORD
card_state(DWORD reader_state)
{
    if (!(reader_state & SCARD_STATE_PRESENT))
        return SCARD_ABSENT;
    if (reader_state & SCARD_STATE_MUTE)
        return SCARD_PRESENT | SCARD_SWALLOWED;
    return SCARD_PRESENT | SCARD_POWERED | SCARD_NEGOTIABLE;
}

/* What the service says of the card's reader. */
static LONG
get_status_locked(PldCard *card, Status *status)
{
    PldContext *context = card->context;

    pld_context_lock(context);
    LONG code = pld_context_check_locked(context);
    const PldReader *reader = pld_readers_find(&context->connection.readers, card->reader);
    if (code == SCARD_S_SUCCESS && (!reader || (reader->state & SCARD_STATE_UNAVAILABLE)))
        code = SCARD_E_READER_UNAVAILABLE;
    else if (code == SCARD_S_SUCCESS)
        code = card->ended;
    if (code == SCARD_S_SUCCESS) {
        status->state = ((DWORD)reader->event_count << 16) | card_state(reader->state);
        status->atr_length = reader->atr_length;
        memcpy(status->atr, reader->atr, reader->atr_length);
    }
    pld_context_unlock(context);
    return code;
}

static LONG
status_locked(PldCard *card, Status *status)
{
    LONG code = pld_card_access_wait_locked(card);

    if (code != SCARD_S_SUCCESS && code != SCARD_E_INVALID_VALUE)
        return code;
    return get_status_locked(card, status);
}

/* Zeros behind it, to the end of the buffer. */
static LONG
fill_name(LPSTR buffer, LPDWORD length, const char *name)
{
    size_t size = strlen(name) + 1;

    if (buffer && *length != SCARD_AUTOALLOCATE && *length > size)
        memset(buffer + size, 0, *length - size);
    return pld_buffer_fill(buffer, length, name, size, PLD_BUFFER_PARTLY);
}

LONG
SCardStatus(SCARDHANDLE number, LPSTR reader, LPDWORD reader_length, LPDWORD state,
            LPDWORD protocol, LPBYTE atr, LPDWORD atr_length)
{
    DWORD no_reader_length = 0, no_atr_length = 0;
    Status status;

    reader_length = reader_length ? reader_length : &no_reader_length;
    atr_length = atr_length ? atr_length : &no_atr_length;
    DWORD reader_room = *reader_length, atr_room = *atr_length;
    *reader_length = *atr_length = 0;
    if (state)
        *state = 0;
    if (protocol)
        *protocol = SCARD_PROTOCOL_UNDEFINED;

    PldCard *card = pld_card_enter(number);
    if (!card)
        return SCARD_E_INVALID_HANDLE;
    LONG code = status_locked(card, &status);
    if (code == SCARD_S_SUCCESS) {
        if (state)
            *state = status.state;
        if (protocol)
            *protocol = card->protocol;
        *reader_length = reader_room;
        *atr_length = atr_room;
        code = fill_name(reader, reader_length, card->reader);
        LONG code_of_atr =
            pld_buffer_fill(atr, atr_length, status.atr, status.atr_length, PLD_BUFFER_PARTLY);
        if (code == SCARD_S_SUCCESS)
            code = code_of_atr;
    }
    pld_card_leave(card);
    return code;
}

/* As the channel has it, where 0 stands for whatever the card speaks: no header can mean that. */
static uint32_t
named_protocol(DWORD protocol)
{
    return protocol == SCARD_PROTOCOL_UNDEFINED ? SCD_FRAME_NO_PROTOCOL : (uint32_t)protocol;
}

static LONG
transmit_locked(PldCard *card, const PldRequest *request, PldAnswer *answer)
{
    LONG code = pld_card_access_may_block() ? SCARD_S_SUCCESS : pld_card_access_check_locked(card);

    if (code == SCARD_S_SUCCESS)
        code = pld_card_ask_locked(card, request, answer);
    return code == SCARD_S_SUCCESS && answer->length > answer->size ? SCARD_E_INSUFFICIENT_BUFFER
                                                                    : code;
}

LONG
SCardTransmit(SCARDHANDLE number, const SCARD_IO_REQUEST *send_pci, LPCBYTE command,
              DWORD command_length, SCARD_IO_REQUEST *receive_pci, LPBYTE response,
              LPDWORD response_length)
{
    if (!command || !response || !response_length || !send_pci)
        return SCARD_E_INVALID_PARAMETER;
    PldCard *card = pld_card_enter(number);
    if (!card) {
        *response_length = 0;
        return SCARD_E_INVALID_HANDLE;
    }
    const PldRequest request = {SCD_FRAME_TRANSMIT, named_protocol(send_pci->dwProtocol), command,
                                command_length};
    PldAnswer answer = {.buffer = response, .size = *response_length};
    LONG code = SCARD_E_INSUFFICIENT_BUFFER;
    if (command_length <= MAX_BUFFER_SIZE_EXTENDED) {
        code = transmit_locked(card, &request, &answer);
        if (code != SCARD_E_NO_SERVICE)
            *response_length = answer.length;
        if (code == SCARD_S_SUCCESS && receive_pci && answer.protocol != SCD_FRAME_NO_PROTOCOL)
            receive_pci->dwProtocol = answer.protocol;
    }
    pld_card_leave(card);
    return code;
}

/* For codes that need a permission: the service may ask the user. */
static LONG
control_on_bus_locked(PldCard *card, const PldRequest *request, PldAnswer *answer)
{
    PLD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    sd_bus_message *call = pld_card_new_call_locked(card, "Control");
    const void *data;

    if (call && (sd_bus_message_append(call, "u", request->argument) < 0 ||
                 sd_bus_message_append_array(call, 'y', request->data, request->length) < 0))
        call = sd_bus_message_unref(call);
    LONG code = pld_card_call_locked(card, call, &reply);
    if (code != SCARD_S_SUCCESS)
        return code;
    if (sd_bus_message_read_array(reply, 'y', &data, &answer->length) < 0)
        return SCARD_F_COMM_ERROR;
    if (answer->length > 0 && answer->length <= answer->size)
        memcpy(answer->buffer, data, answer->length);
    return SCARD_S_SUCCESS;
}

static LONG
control_locked(PldCard *card, const PldRequest *request, PldAnswer *answer)
{
    if (request->length > MAX_BUFFER_SIZE_EXTENDED)
        return SCARD_E_INSUFFICIENT_BUFFER;
    if (!request->data && request->length > 0)
        return SCARD_E_INVALID_PARAMETER;
    LONG code = pld_card_ask_locked(card, request, answer);
    if (code == SCARD_W_SECURITY_VIOLATION)
        code = control_on_bus_locked(card, request, answer);
    return code == SCARD_S_SUCCESS && answer->length > answer->size ? SCARD_E_INSUFFICIENT_BUFFER
                                                                    : code;
}

LONG
SCardControl(SCARDHANDLE number, DWORD control_code, LPCVOID data, DWORD data_length,
             LPVOID response, DWORD response_size, LPDWORD response_length)
{
    const PldRequest request = {SCD_FRAME_CONTROL, (uint32_t)control_code, data, data_length};
    PldAnswer answer = {.buffer = response, .size = response ? response_size : 0};

    if (response_length)
        *response_length = 0;
    PldCard *card = pld_card_enter(number);
    if (!card)
        return SCARD_E_INVALID_HANDLE;
    LONG code = control_locked(card, &request, &answer);
    if (response_length)
        *response_length = answer.length;
    pld_card_leave(card);
    return code;
}

static LONG
get_attribute_locked(PldCard *card, DWORD id, LPBYTE value, LPDWORD length)
{
    uint8_t bytes[MAX_BUFFER_SIZE];
    const PldRequest request = {.operation = SCD_FRAME_GET_ATTRIBUTE, .argument = (uint32_t)id};
    PldAnswer answer = {.buffer = bytes, .size = sizeof bytes};

    if (*length > MAX_BUFFER_SIZE)
        return SCARD_E_INSUFFICIENT_BUFFER;
    LONG code = pld_card_ask_locked(card, &request, &answer);
    if (code == SCARD_S_SUCCESS && answer.length > sizeof bytes)
        return SCARD_F_COMM_ERROR;
    if (code == SCARD_S_SUCCESS)
        code = pld_buffer_fill(value, length, bytes, answer.length, PLD_BUFFER_PARTLY);
    return code;
}

LONG
SCardGetAttrib(SCARDHANDLE number, DWORD id, LPBYTE value, LPDWORD length)
{
    if (!length)
        return SCARD_E_INVALID_PARAMETER;
    if (*length == SCARD_AUTOALLOCATE) {
        if (!value)
            return SCARD_E_INVALID_PARAMETER;
        LPBYTE made = malloc(MAX_BUFFER_SIZE);
        if (!made)
            return SCARD_E_NO_MEMORY;
        memcpy(value, &made, sizeof made);
        value = made;
        *length = MAX_BUFFER_SIZE;
    } else if (!value) {
        *length = MAX_BUFFER_SIZE;
    }
    PldCard *card = pld_card_enter(number);
    if (!card)
        return SCARD_E_INVALID_HANDLE;
    LONG code = get_attribute_locked(card, id, value, length);
    pld_card_leave(card);
    return code;
}

static LONG
set_attribute_locked(PldCard *card, DWORD id, LPCBYTE value, DWORD length)
{
    sd_bus_message *call = pld_card_new_call_locked(card, "SetAttribute");

    if (call && (sd_bus_message_append(call, "u", (uint32_t)id) < 0 ||
                 sd_bus_message_append_array(call, 'y', value, length) < 0))
        call = sd_bus_message_unref(call);
    return pld_card_call_locked(card, call, NULL);
}

LONG
SCardSetAttrib(SCARDHANDLE number, DWORD id, LPCBYTE value, DWORD length)
{
    if (!value || length == 0)
        return SCARD_E_INVALID_PARAMETER;
    PldCard *card = pld_card_enter(number);
    if (!card)
        return SCARD_E_INVALID_HANDLE;
    LONG code = length > MAX_BUFFER_SIZE ? SCARD_E_INSUFFICIENT_BUFFER
                                         : set_attribute_locked(card, id, value, length);
    pld_card_leave(card);
    return code;
}
