/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The functions of winscard.h that take a card handle: they open, close and lock it, exchange data
 * with the card or its reader, and query their state.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "card.h"

#define PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1 | SCARD_PROTOCOL_RAW)

/* SCARD_PROTOCOL_ANY of early versions of pcsc-lite. */
#define PROTOCOL_ANY_OLD 0x1000

/* Between attempts to reconnect while another program uses the card; as in pcsc-lite. */
static const struct timespec retry_pause = {.tv_nsec = 100 * 1000 * 1000};

static LONG
check_arguments(PldConnectArguments *arguments)
{
    if (arguments->share_mode != SCARD_SHARE_DIRECT &&
        !(arguments->protocols & (PROTOCOLS | PROTOCOL_ANY_OLD)))
        return SCARD_E_PROTO_MISMATCH;
    if (arguments->share_mode < SCARD_SHARE_EXCLUSIVE || arguments->share_mode > SCARD_SHARE_DIRECT)
        return SCARD_E_INVALID_VALUE;
    if (arguments->protocols & PROTOCOL_ANY_OLD)
        arguments->protocols |= SCARD_PROTOCOL_ANY;
    return SCARD_S_SUCCESS;
}

LONG
SCardConnect(SCARDCONTEXT number, LPCSTR reader, DWORD share_mode, DWORD protocols,
             LPSCARDHANDLE card, LPDWORD active_protocol)
{
    PldConnectArguments arguments = {.share_mode = share_mode, .protocols = protocols};

    if (!card || !active_protocol)
        return SCARD_E_INVALID_PARAMETER;
    *card = 0;
    if (!reader)
        return SCARD_E_UNKNOWN_READER;
    if (strlen(reader) > MAX_READERNAME)
        return SCARD_E_INVALID_VALUE;
    PldContext *context = pld_context_get(number);
    if (!context)
        return SCARD_E_INVALID_HANDLE;
    *active_protocol = SCARD_PROTOCOL_UNDEFINED;
    LONG code = check_arguments(&arguments);
    if (code == SCARD_S_SUCCESS)
        code = pld_card_connect(context, reader, &arguments, card, active_protocol);
    pld_context_put(context);
    return code;
}

static LONG
check_reconnect_arguments(PldConnectArguments *arguments)
{
    LONG code = check_arguments(arguments);

    return arguments->initialization > SCARD_UNPOWER_CARD ? SCARD_E_INVALID_VALUE : code;
}

/* Sets *active_protocol unless the context is lost; also on SCARD_E_SHARING_VIOLATION. */
static LONG
reconnect_locked(PldCard *card, PldConnectArguments *arguments, LPDWORD active_protocol)
{
    LONG code = pld_card_check_locked(card);

    if (code != SCARD_S_SUCCESS)
        return code;
    *active_protocol = SCARD_PROTOCOL_UNDEFINED;
    code = check_reconnect_arguments(arguments);
    if (code != SCARD_S_SUCCESS)
        return code;
    code = pld_card_reconnect_locked(card, arguments);
    if (code == SCARD_S_SUCCESS || code == SCARD_E_SHARING_VIOLATION)
        *active_protocol = card->protocol;
    return code;
}

LONG
SCardReconnect(SCARDHANDLE number, DWORD share_mode, DWORD protocols, DWORD initialization,
               LPDWORD active_protocol)
{
    PldConnectArguments arguments = {share_mode, protocols, initialization};

    if (!active_protocol)
        return SCARD_E_INVALID_PARAMETER;
    PldCard *card = pld_card_enter(number);
    if (!card)
        return SCARD_E_INVALID_HANDLE;
    unsigned cancels_seen = card->cancels_seen;
    LONG code = reconnect_locked(card, &arguments, active_protocol);
    pld_card_leave(card);
    /* The service waits for transactions to end, but not for other handles to be closed. */
    while (code == SCARD_E_SHARING_VIOLATION && pld_card_may_block()) {
        nanosleep(&retry_pause, NULL);
        card = pld_card_enter(number);
        if (!card)
            return SCARD_E_INVALID_HANDLE;
        card->cancels_seen = cancels_seen;
        code = reconnect_locked(card, &arguments, active_protocol);
        pld_card_leave(card);
    }
    return code;
}

LONG
SCardDisconnect(SCARDHANDLE number, DWORD disposition)
{
    return pld_card_disconnect(number, disposition);
}

LONG
SCardBeginTransaction(SCARDHANDLE number)
{
    PldCard *card = pld_card_enter(number);

    if (!card)
        return SCARD_E_INVALID_HANDLE;
    LONG code = pld_card_begin_locked(card);
    if (code == SCARD_S_SUCCESS)
        card->depth++;
    pld_card_leave(card);
    return code;
}

LONG
SCardEndTransaction(SCARDHANDLE number, DWORD disposition)
{
    PldCard *card = pld_card_enter(number);
    LONG code = SCARD_E_INVALID_VALUE;

    if (!card)
        return SCARD_E_INVALID_HANDLE;
    if (disposition <= SCARD_EJECT_CARD) {
        code = pld_card_end_locked(card, disposition);
        if (code == SCARD_E_NOT_TRANSACTED || code == SCARD_W_REMOVED_CARD)
            card->depth = 0;
        else if (code != SCARD_W_RESET_CARD && code != SCARD_E_SHARING_VIOLATION && card->depth > 0)
            card->depth--;
    }
    pld_card_leave(card);
    return code;
}

/* The part of the result of SCardStatus that depends on the reader. */
typedef struct {
    DWORD state;
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;
} PldCardStatus;

static DWORD
card_state(DWORD reader_state)
{
    if (!(reader_state & SCARD_STATE_PRESENT))
        return SCARD_ABSENT;
    if (reader_state & SCARD_STATE_MUTE)
        return SCARD_PRESENT | SCARD_SWALLOWED;
    return SCARD_PRESENT | SCARD_POWERED | SCARD_NEGOTIABLE;
}

static LONG
copy_reader_state_locked(PldCard *card, PldCardStatus *status)
{
    PldContext *context = card->context;

    pld_context_lock(context);
    LONG code = pld_card_check_connection_locked(card);
    const PldReader *reader = pld_readers_find(&context->connection.readers, card->reader);
    if (code == SCARD_S_SUCCESS && (!reader || (reader->state & SCARD_STATE_UNAVAILABLE)))
        code = SCARD_E_READER_UNAVAILABLE;
    else if (code == SCARD_S_SUCCESS)
        code = card->session.end_code;
    if (code == SCARD_S_SUCCESS) {
        status->state = ((DWORD)reader->event_count << 16) | card_state(reader->state);
        status->atr_length = reader->atr_length;
        memcpy(status->atr, reader->atr, reader->atr_length);
    }
    pld_context_unlock(context);
    return code;
}

static LONG
read_status_locked(PldCard *card, PldCardStatus *status)
{
    LONG access = pld_card_wait_for_access_locked(card);

    if (access != SCARD_S_SUCCESS && access != SCARD_E_INVALID_VALUE)
        return access;
    LONG code = copy_reader_state_locked(card, status);
    if (code != SCARD_S_SUCCESS)
        return code;
    /* The list of readers may be older than the answer, or newer. */
    if (access != SCARD_S_SUCCESS)
        return SCARD_E_READER_UNAVAILABLE;
    return status->state & SCARD_ABSENT ? pld_card_wait_for_access_locked(card) : code;
}

/* As in pcsc-lite, fills the rest of the buffer with zeros. */
static LONG
fill_name(LPSTR buffer, LPDWORD length, const char *name)
{
    size_t size = strlen(name) + 1;

    if (buffer && *length != SCARD_AUTOALLOCATE && *length > size)
        memset(buffer + size, 0, *length - size);
    return pld_fill_buffer(buffer, length, name, size, PLD_FILL_PARTLY);
}

LONG
SCardStatus(SCARDHANDLE number, LPSTR reader, LPDWORD reader_length, LPDWORD state,
            LPDWORD protocol, LPBYTE atr, LPDWORD atr_length)
{
    DWORD no_reader_length = 0, no_atr_length = 0;
    PldCardStatus status;

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
    LONG code = read_status_locked(card, &status);
    if (code == SCARD_S_SUCCESS) {
        if (state)
            *state = status.state;
        if (protocol)
            *protocol = card->protocol;
        *reader_length = reader_room;
        *atr_length = atr_room;
        code = fill_name(reader, reader_length, card->reader);
        LONG code_of_atr =
            pld_fill_buffer(atr, atr_length, status.atr, status.atr_length, PLD_FILL_PARTLY);
        if (code == SCARD_S_SUCCESS)
            code = code_of_atr;
    }
    pld_card_leave(card);
    return code;
}

/* On the channel 0 means the active protocol, which a SCARD_IO_REQUEST cannot ask for. */
static uint32_t
named_protocol(DWORD protocol)
{
    return protocol == SCARD_PROTOCOL_UNDEFINED ? SCD_FRAME_NO_PROTOCOL : (uint32_t)protocol;
}

/* A command, or the input of the driver, and the answer. */
typedef struct {
    PldRequest request;
    PldReply reply;
} PldExchange;

static LONG
exchange_locked(PldCard *card, void *data)
{
    PldExchange *exchange = data;

    return pld_card_exchange_locked(card, &exchange->request, &exchange->reply);
}

static LONG
transmit_locked(PldCard *card, PldExchange *exchange)
{
    exchange->request.no_wait = !pld_card_may_block();
    LONG code = pld_card_attempt_locked(card, exchange_locked, exchange);
    return code == SCARD_S_SUCCESS && exchange->reply.length > exchange->reply.size
               ? SCARD_E_INSUFFICIENT_BUFFER
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
    PldExchange exchange = {.request = {.operation = SCD_FRAME_TRANSMIT,
                                        .argument = named_protocol(send_pci->dwProtocol),
                                        .data = command,
                                        .length = command_length},
                            .reply = {.buffer = response, .size = *response_length}};
    const PldReply *reply = &exchange.reply;
    LONG code = SCARD_E_INSUFFICIENT_BUFFER;
    if (command_length <= MAX_BUFFER_SIZE_EXTENDED) {
        code = transmit_locked(card, &exchange);
        if (code != SCARD_E_NO_SERVICE)
            *response_length = reply->length;
        if (code == SCARD_S_SUCCESS && receive_pci && reply->protocol != SCD_FRAME_NO_PROTOCOL)
            receive_pci->dwProtocol = reply->protocol;
    }
    pld_card_leave(card);
    return code;
}

/* The code or attribute, and the data. */
static int
append_argument_and_data(sd_bus_message *call, const void *data)
{
    const PldRequest *request = data;
    int r = sd_bus_message_append(call, "u", request->argument);

    return r < 0 ? r : sd_bus_message_append_array(call, 'y', request->data, request->length);
}

static LONG
read_data(sd_bus_message *message, void *result)
{
    PldReply *reply = result;
    const void *data;

    if (sd_bus_message_read_array(message, 'y', &data, &reply->length) < 0)
        return SCARD_F_COMM_ERROR;
    if (reply->length > 0 && reply->length <= reply->size)
        memcpy(reply->buffer, data, reply->length);
    return SCARD_S_SUCCESS;
}

/* For control codes that need authorization: on the bus, polkit may ask the user. */
static LONG
control_on_bus_locked(PldCard *card, const PldRequest *request, PldReply *reply)
{
    const PldMethodCall call = {.method = "Control",
                                .lifetime = PLD_CALL_UNTIL_CLOSED,
                                .append = append_argument_and_data,
                                .arguments = request,
                                .read = read_data,
                                .result = reply};
    return pld_card_call_locked(card, call);
}

static LONG
control_locked(PldCard *card, const PldRequest *request, PldReply *reply)
{
    if (request->length > MAX_BUFFER_SIZE_EXTENDED)
        return SCARD_E_INSUFFICIENT_BUFFER;
    if (!request->data && request->length > 0)
        return SCARD_E_INVALID_PARAMETER;
    LONG code = pld_card_exchange_locked(card, request, reply);
    if (code == SCARD_W_SECURITY_VIOLATION)
        code = control_on_bus_locked(card, request, reply);
    return code == SCARD_S_SUCCESS && reply->length > reply->size ? SCARD_E_INSUFFICIENT_BUFFER
                                                                  : code;
}

LONG
SCardControl(SCARDHANDLE number, DWORD control_code, LPCVOID data, DWORD data_length,
             LPVOID response, DWORD response_size, LPDWORD response_length)
{
    const PldRequest request = {.operation = SCD_FRAME_CONTROL,
                                .argument = (uint32_t)control_code,
                                .data = data,
                                .length = data_length};
    PldReply reply = {.buffer = response, .size = response ? response_size : 0};

    if (response_length)
        *response_length = 0;
    PldCard *card = pld_card_enter(number);
    if (!card)
        return SCARD_E_INVALID_HANDLE;
    LONG code = control_locked(card, &request, &reply);
    if (response_length)
        *response_length = reply.length;
    pld_card_leave(card);
    return code;
}

static LONG
get_attribute_locked(PldCard *card, DWORD id, LPBYTE value, LPDWORD length)
{
    uint8_t bytes[MAX_BUFFER_SIZE];
    const PldRequest request = {.operation = SCD_FRAME_GET_ATTRIBUTE, .argument = (uint32_t)id};
    PldReply reply = {.buffer = bytes, .size = sizeof bytes};

    if (*length > MAX_BUFFER_SIZE)
        return SCARD_E_INSUFFICIENT_BUFFER;
    LONG code = pld_card_exchange_locked(card, &request, &reply);
    if (code == SCARD_S_SUCCESS && reply.length > sizeof bytes)
        return SCARD_F_COMM_ERROR;
    if (code == SCARD_S_SUCCESS)
        code = pld_fill_buffer(value, length, bytes, reply.length, PLD_FILL_PARTLY);
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
        LPBYTE allocated = malloc(MAX_BUFFER_SIZE);
        if (!allocated)
            return SCARD_E_NO_MEMORY;
        memcpy(value, &allocated, sizeof allocated);
        value = allocated;
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
    const PldRequest request = {.argument = (uint32_t)id, .data = value, .length = length};
    const PldMethodCall call = {.method = "SetAttribute",
                                .lifetime = PLD_CALL_UNTIL_CLOSED,
                                .append = append_argument_and_data,
                                .arguments = &request};
    return pld_card_call_locked(card, call);
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
