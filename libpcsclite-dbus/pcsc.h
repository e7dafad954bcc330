/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The names of winscard.h, in the only library that defines them here: what it
 * declares can be seen from outside, and nothing else can.
 */

#pragma GCC visibility push(default)
#include <winscard.h>

/* The attributes. */
#include <reader.h>
#pragma GCC visibility pop

#include <stdint.h>

/* winscard.h has codes that are positive numbers where LONG has 64 bits. */
static inline LONG
pld_long(uint32_t code)
{
    return (LONG)code;
}

/* Some variables are there for their end alone. */
#define PLD_CLEANUP(function) __attribute__((cleanup(function), unused))
