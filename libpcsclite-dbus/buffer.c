/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "buffer.h"

#include <stdlib.h>
#include <string.h>

static LONG
allocate(void *buffer, const void *data, size_t size)
{
    if (!buffer)
        return SCARD_E_INVALID_PARAMETER;
    void *copy = malloc(size > 0 ? size : 1);
    if (!copy)
        return SCARD_E_NO_MEMORY;
    memcpy(copy, data, size);
    memcpy(buffer, &copy, sizeof copy);
    return SCARD_S_SUCCESS;
}

LONG
pld_buffer_fill(void *buffer, DWORD *length, const void *data, size_t size, PldBufferFill fill)
{
    DWORD room = *length;

    *length = size;
    if (room == SCARD_AUTOALLOCATE)
        return allocate(buffer, data, size);
    if (!buffer)
        return SCARD_S_SUCCESS;
    if (room >= size || fill == PLD_BUFFER_PARTLY)
        memcpy(buffer, data, room < size ? room : size);
    return room < size ? SCARD_E_INSUFFICIENT_BUFFER : SCARD_S_SUCCESS;
}
