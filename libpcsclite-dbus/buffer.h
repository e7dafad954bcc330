/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The buffers of programs: theirs, or with SCARD_AUTOALLOCATE a pointer to one
 * that they have us make. The length is set to what is needed, whatever comes
 * of it.
 */

#include <stddef.h>

#include "pcsc.h"

typedef enum {
    PLD_BUFFER_WHOLE,  /* nothing when there is no room for all */
    PLD_BUFFER_PARTLY, /* as much as there is room for */
} PldBufferFill;

/* buffer: NULL for the length alone. */
LONG pld_buffer_fill(void *buffer, DWORD *length, const void *data, size_t size,
                     PldBufferFill fill);
