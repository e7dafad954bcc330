/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * SCardGetStatusChange. The rules for which bits count as a change are those of pcsc-lite, which
 * are not symmetric: for example, it reports that a card is not in use any more, but not that it is
 * in use now.
 */

#include "context.h"

/*
 * Blocks until an entry differs from its dwCurrentState, the timeout (milliseconds, or INFINITE)
 * ends, or pld_context_cancel() is called. Sleeps on the D-Bus connection; does not poll. Needs at
 * least one entry, and a name in each. Returns SCARD_E_NO_SERVICE if the context is lost.
 */
LONG pld_status_change_wait(PldContext *context, DWORD timeout, SCARD_READERSTATE *entries,
                            DWORD count);
