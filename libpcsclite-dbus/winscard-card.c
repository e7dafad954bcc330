/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of winscard.h that open, close and lock card handles. */

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
