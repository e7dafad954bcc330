/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * winscard.h, and the parts of PC/SC that need neither the bus nor a handle: its constants, error
 * texts (see pcsc.c), and buffers.
 *
 * The functions of winscard.h are declared with default visibility, since the library exports
 * them; everything else is hidden. No other header may include winscard.h.
 */

#pragma GCC visibility push(default)
#include <winscard.h>

/* The attribute tags. */
#include <reader.h>
#pragma GCC visibility pop

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Converts a 32-bit code. Where LONG has 64 bits, the error codes of winscard.h are positive. */
static inline LONG
pld_long(uint32_t code)
{
    return (LONG)code;
}

/* For automatic variables, some of which are declared only for the cleanup. */
#define PLD_CLEANUP(function) __attribute__((cleanup(function), unused))

/* Returns the inode number of a socket; 0 if the descriptor is closed, or not a socket. */
ino_t pld_socket_inode(int fd);

/* If the caller's buffer is too small, copy nothing, or as much as fits. */
typedef enum {
    PLD_FILL_ALL,
    PLD_FILL_PARTLY,
} PldFillMode;

/*
 * Copies data to a buffer of the program, with the conventions of winscard.h: *length is the size
 * of the buffer. If it is SCARD_AUTOALLOCATE, the buffer is a pointer, which is set to newly
 * allocated memory that the program frees with SCardFreeMemory. If buffer is NULL, nothing is
 * copied. *length is set to size in all cases, also on error.
 *
 * Fails with SCARD_E_INSUFFICIENT_BUFFER, SCARD_E_NO_MEMORY, or SCARD_E_INVALID_PARAMETER if there
 * is no pointer to set.
 */
LONG pld_fill_buffer(void *buffer, DWORD *length, const void *data, size_t size, PldFillMode mode);
