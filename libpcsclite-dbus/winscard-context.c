/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of winscard.h that take a context, except SCardConnect and
 * SCardGetStatusChange. */

#include <stdlib.h>
#include <string.h>

#include "card.h"

LONG
SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context)
{
    if (!context)
        return SCARD_E_INVALID_PARAMETER;
    if (scope <= SCARD_SCOPE_GLOBAL)
        return pld_context_new(context);
    *context = 0;
    return SCARD_E_INVALID_VALUE;
}

LONG
SCardReleaseContext(SCARDCONTEXT number)
{
    PldContext *context = pld_context_get(number);

    if (!context)
        return SCARD_E_INVALID_HANDLE;
    LONG code = pld_context_begin_release(context);
    if (code != SCARD_E_INVALID_HANDLE) {
        pld_card_close_all(context);
        pld_context_finish_release(context);
    }
    pld_context_put(context);
    return code;
}

LONG
SCardIsValidContext(SCARDCONTEXT number)
{
    PldContext *context = pld_context_get(number);

    if (!context)
        return SCARD_E_INVALID_HANDLE;
    pld_context_put(context);
    return SCARD_S_SUCCESS;
}

LONG
SCardFreeMemory(SCARDCONTEXT number, LPCVOID memory)
{
    LONG code = SCardIsValidContext(number);

    if (code == SCARD_S_SUCCESS)
        free((void *)memory);
    return code;
}

/*
 * Returns a multi-string (each name with its NUL, and one more NUL at the end) to be freed, or NULL
 * when out of memory.
 */
static char *
join_names_locked(const PldContext *context, size_t *size)
{
    const PldReaders *readers = &context->connection.readers;

    *size = 1;
    for (size_t i = 0; i < readers->count; i++)
        *size += strlen(readers->list[i]->name) + 1;
    char *names = calloc(1, *size);
    char *end = names;
    for (size_t i = 0; i < readers->count && names; i++)
        end = stpcpy(end, readers->list[i]->name) + 1;
    return names;
}

static LONG
list_readers(PldContext *context, LPSTR buffer, LPDWORD length)
{
    char *names = NULL;
    size_t size = 0;
    unsigned cancels_seen = context->cancels;

    pld_context_lock(context);
    LONG code = pld_context_check_locked(context, cancels_seen, NULL);
    if (code == SCARD_S_SUCCESS) {
        names = join_names_locked(context, &size);
        context->known_total = context->connection.readers.total;
        context->lists_readers = true;
    }
    pld_context_unlock(context);

    if (!names || size == 1) {
        *length = size;
        if (code == SCARD_S_SUCCESS)
            code = names ? SCARD_E_NO_READERS_AVAILABLE : SCARD_E_NO_MEMORY;
    } else {
        code = pld_fill_buffer(buffer, length, names, size, PLD_FILL_ALL);
    }
    free(names);
    return code;
}

LONG
SCardListReaders(SCARDCONTEXT number, LPCSTR groups, LPSTR buffer, LPDWORD length)
{
    if (!length)
        return SCARD_E_INVALID_PARAMETER;
    PldContext *context = pld_context_get(number);
    if (!context)
        return SCARD_E_INVALID_HANDLE;
    LONG code = list_readers(context, buffer, length);
    pld_context_put(context);
    return code;
}

LONG
SCardListReaderGroups(SCARDCONTEXT number, LPSTR buffer, LPDWORD length)
{
    static const char groups[] = "SCard$DefaultReaders\0";

    if (!length)
        return SCARD_E_INVALID_PARAMETER;
    LONG code = SCardIsValidContext(number);
    if (code != SCARD_S_SUCCESS)
        return code;
    return pld_fill_buffer(buffer, length, groups, sizeof groups, PLD_FILL_ALL);
}

LONG
SCardCancel(SCARDCONTEXT number)
{
    PldContext *context = pld_context_get(number);

    if (!context)
        return SCARD_E_INVALID_HANDLE;
    pld_context_cancel(context);
    pld_context_put(context);
    return SCARD_S_SUCCESS;
}
