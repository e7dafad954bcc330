/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library to be preloaded into the service: its functions of libpcsclite fail, are late, hang,
 * return lengths that make no sense, or find that pcscd has gone, as random.c chooses. A call that
 * breaks the rules of rules.c ends the process.
 *
 * A call that fails has no effect, but for those that close or end something: else pcscd would keep
 * what the service has closed. So does it if the code means that there is no transaction any more,
 * and it was nested: then all are ended.
 */

#include "shim.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT LONG
SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context)
{
    __typeof__(&SCardEstablishContext) next = shim_find_next(__func__);
    rules_begin(__func__, 0, RULES_ALONE);
    LONG code = random_choose(__func__, 0).code;
    if (code == SCARD_S_SUCCESS)
        code = next(scope, reserved1, reserved2, context);
    if (code == SCARD_S_SUCCESS)
        rules_add_context(*context);
    rules_end(0, RULES_ALONE);
    return code;
}

EXPORT LONG
SCardReleaseContext(SCARDCONTEXT context)
{
    __typeof__(&SCardReleaseContext) next = shim_find_next(__func__);
    rules_begin(__func__, context, RULES_ALONE);
    Fault fault = random_choose(__func__, context);
    LONG code = next(context);
    rules_remove_context(context);
    rules_end(context, RULES_ALONE);
    return fault.code != SCARD_S_SUCCESS ? fault.code : code;
}

EXPORT LONG
SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD mode, DWORD protocols, LPSCARDHANDLE card,
             LPDWORD protocol)
{
    __typeof__(&SCardConnect) next = shim_find_next(__func__);
    rules_begin(__func__, context, RULES_NONE);
    LONG code = random_choose(__func__, context).code;
    if (code == SCARD_S_SUCCESS)
        code = next(context, reader, mode, protocols, card, protocol);
    if (code == SCARD_S_SUCCESS)
        rules_add_card(*card, context);
    rules_end(context, RULES_NONE);
    return code;
}

EXPORT LONG
SCardDisconnect(SCARDHANDLE card, DWORD disposition)
{
    __typeof__(&SCardDisconnect) next = shim_find_next(__func__);
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_ALONE);
    Fault fault = random_choose(__func__, context);
    LONG code = next(card, disposition);
    rules_remove_card(card);
    rules_end(context, RULES_ALONE);
    return fault.code != SCARD_S_SUCCESS ? fault.code : code;
}

EXPORT LONG
SCardReconnect(SCARDHANDLE card, DWORD mode, DWORD protocols, DWORD initialization,
               LPDWORD protocol)
{
    __typeof__(&SCardReconnect) next = shim_find_next(__func__);
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_NONE);
    LONG code = random_choose(__func__, context).code;
    if (code == SCARD_S_SUCCESS)
        code = next(card, mode, protocols, initialization, protocol);
    rules_end(context, RULES_NONE);
    return code;
}

EXPORT LONG
SCardBeginTransaction(SCARDHANDLE card)
{
    __typeof__(&SCardBeginTransaction) next = shim_find_next(__func__);
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_NONE);
    LONG code = random_choose(__func__, context).code;
    if (code == SCARD_S_SUCCESS)
        code = next(card);
    rules_end(context, RULES_NONE);
    return code;
}

EXPORT LONG
SCardEndTransaction(SCARDHANDLE card, DWORD disposition)
{
    __typeof__(&SCardEndTransaction) next = shim_find_next(__func__);
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_NONE);
    Fault fault = random_choose(__func__, context);
    bool ends_all = fault.code == SCARD_W_REMOVED_CARD || fault.code == SCARD_E_NOT_TRANSACTED;
    LONG code = next(card, ends_all ? SCARD_LEAVE_CARD : disposition);
    while (ends_all && code == SCARD_S_SUCCESS && next(card, SCARD_LEAVE_CARD) == SCARD_S_SUCCESS)
        ;
    rules_end(context, RULES_NONE);
    return code == SCARD_S_SUCCESS ? fault.code : code;
}

/* libpcsclite would not have written the bytes after a shorter length. */
static void
spoil_length(const Fault *fault, void *buffer, DWORD size, DWORD *length)
{
    DWORD written = *length;

    *length = random_length(fault, size, written);
    if (*length < written)
        memset((char *)buffer + *length, 0, written - *length);
}

EXPORT LONG
SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *send_pci, LPCBYTE command,
              DWORD command_length, SCARD_IO_REQUEST *receive_pci, LPBYTE response, LPDWORD length)
{
    __typeof__(&SCardTransmit) next = shim_find_next(__func__);
    DWORD size = *length;
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_NONE);
    Fault fault = random_choose(__func__, context);
    LONG code = fault.code;
    if (code == SCARD_S_SUCCESS)
        code = next(card, send_pci, command, command_length, receive_pci, response, length);
    if (fault.has_length && code == SCARD_S_SUCCESS)
        spoil_length(&fault, response, size, length);
    rules_end(context, RULES_NONE);
    return code;
}

EXPORT LONG
SCardControl(SCARDHANDLE card, DWORD control_code, LPCVOID input, DWORD input_length, LPVOID output,
             DWORD size, LPDWORD length)
{
    __typeof__(&SCardControl) next = shim_find_next(__func__);
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_NONE);
    Fault fault = random_choose(__func__, context);
    LONG code = fault.code;
    if (code == SCARD_S_SUCCESS)
        code = next(card, control_code, input, input_length, output, size, length);
    if (fault.has_length && code == SCARD_S_SUCCESS)
        spoil_length(&fault, output, size, length);
    rules_end(context, RULES_NONE);
    return code;
}

EXPORT LONG
SCardGetAttrib(SCARDHANDLE card, DWORD id, LPBYTE value, LPDWORD length)
{
    __typeof__(&SCardGetAttrib) next = shim_find_next(__func__);
    DWORD size = *length;
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_NONE);
    Fault fault = random_choose(__func__, context);
    LONG code = fault.code;
    if (code == SCARD_S_SUCCESS)
        code = next(card, id, value, length);
    if (fault.has_length && code == SCARD_S_SUCCESS)
        spoil_length(&fault, value, size, length);
    rules_end(context, RULES_NONE);
    return code;
}

EXPORT LONG
SCardSetAttrib(SCARDHANDLE card, DWORD id, LPCBYTE value, DWORD length)
{
    __typeof__(&SCardSetAttrib) next = shim_find_next(__func__);
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_NONE);
    LONG code = random_choose(__func__, context).code;
    if (code == SCARD_S_SUCCESS)
        code = next(card, id, value, length);
    rules_end(context, RULES_NONE);
    return code;
}

EXPORT LONG
SCardStatus(SCARDHANDLE card, LPSTR name, LPDWORD name_length, LPDWORD state, LPDWORD protocol,
            LPBYTE atr, LPDWORD atr_length)
{
    __typeof__(&SCardStatus) next = shim_find_next(__func__);
    SCARDCONTEXT context = rules_context_of(__func__, card);
    rules_begin(__func__, context, RULES_MONITOR_ONLY);
    LONG code = random_choose(__func__, context).code;
    if (code == SCARD_S_SUCCESS)
        code = next(card, name, name_length, state, protocol, atr, atr_length);
    rules_end(context, RULES_MONITOR_ONLY);
    return code;
}

EXPORT LONG
SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD length)
{
    __typeof__(&SCardListReaders) next = shim_find_next(__func__);
    rules_begin(__func__, context, RULES_MONITOR_ONLY);
    Fault fault = random_choose(__func__, context);
    LONG code = fault.code;
    if (code == SCARD_S_SUCCESS)
        code = next(context, groups, names, length);
    if (fault.has_length)
        *length = random_length(&fault, *length, *length);
    rules_end(context, RULES_MONITOR_ONLY);
    return code;
}

/* A shorter length would be an ATR that the card might have. */
static void
spoil_states(const Fault *fault, SCARD_READERSTATE *states, DWORD n)
{
    for (DWORD i = 0; i < n; i++)
        states[i].cbAtr = MAX_ATR_SIZE + 1 + random_length(fault, MAX_ATR_SIZE, 0) / 2;
}

EXPORT LONG
SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD n)
{
    __typeof__(&SCardGetStatusChange) next = shim_find_next(__func__);
    rules_begin(__func__, context, RULES_MONITOR_ONLY);
    Fault fault = random_choose(__func__, context);
    LONG code = fault.code;
    if (code == SCARD_S_SUCCESS)
        code = next(context, timeout, states, n);
    if (fault.has_length)
        spoil_states(&fault, states, n);
    rules_end(context, RULES_MONITOR_ONLY);
    return code;
}

EXPORT LONG
SCardCancel(SCARDCONTEXT context)
{
    __typeof__(&SCardCancel) next = shim_find_next(__func__);
    rules_begin(__func__, context, RULES_ANY_CONTEXT);
    LONG code = random_choose(__func__, context).code;
    if (code == SCARD_S_SUCCESS)
        code = next(context);
    rules_end(context, RULES_ANY_CONTEXT);
    return code;
}

EXPORT LONG
SCardFreeMemory(SCARDCONTEXT context, LPCVOID memory)
{
    __typeof__(&SCardFreeMemory) next = shim_find_next(__func__);
    rules_begin(__func__, context, RULES_NONE);
    LONG code = next(context, memory);
    rules_end(context, RULES_NONE);
    return code;
}
