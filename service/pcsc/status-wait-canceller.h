/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ends the waits of one thread in SCardGetStatusChange. SCardCancel ends a running wait, has no
 * effect on one that is about to begin, and blocks while pcscd does. A separate thread therefore
 * repeats the call until the waiting thread confirms that it has returned from the wait.
 */

#include <glib.h>

typedef struct ScdStatusWaitCanceller ScdStatusWaitCanceller;

/* NULL with an error if the system has no thread left. */
ScdStatusWaitCanceller *scd_status_wait_canceller_new(GError **error);

/* To be called after the last wait. */
void scd_status_wait_canceller_free(ScdStatusWaitCanceller *canceller);

/*
 * Sets, in the waiting thread, the context of the following waits; 0 for none. Blocks until the
 * canceller has finished with the previous one, which may then be released.
 */
void scd_status_wait_canceller_set_context(ScdStatusWaitCanceller *canceller, long context);

/* Ends the running wait or, if there is none, the next one. From any thread. */
void scd_status_wait_canceller_interrupt(ScdStatusWaitCanceller *canceller);

/* Confirms, in the waiting thread, that the wait has ended. */
void scd_status_wait_canceller_reset(ScdStatusWaitCanceller *canceller);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdStatusWaitCanceller, scd_status_wait_canceller_free)
