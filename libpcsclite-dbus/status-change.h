/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * SCardGetStatusChange: until something differs from what the program knows.
 * Which bits count, and which of them, is pcsc-lite's: nobody is told that a card
 * is used now, but that it is not used any more, for example.
 *
 * Who waits sleeps on the bus, and is woken by what the service announces alone.
 */

#include "context.h"

/* At least one entry; none without a name. timeout: in milliseconds, or INFINITE. */
LONG pld_status_change_wait(PldContext *context, DWORD timeout, SCARD_READERSTATE *entries,
                            DWORD count);
