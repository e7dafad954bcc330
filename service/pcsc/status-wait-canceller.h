/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ends the waits of one thread in SCardGetStatusChange, for whoever wants it to
 * look up. SCardCancel ends a wait that is under way, is lost on one that is
 * about to begin, and takes as long as pcscd does: so a thread of its own calls
 * it again and again, until the waiting thread says that it has looked up.
 */

#include <glib.h>

typedef struct ScdStatusWaitCanceller ScdStatusWaitCanceller;

ScdStatusWaitCanceller *scd_status_wait_canceller_new(void);

/* After the last wait. */
void scd_status_wait_canceller_free(ScdStatusWaitCanceller *canceller);

/*
 * In the waiting thread: the context of the waits that follow, 0 for none. The
 * one before may be released then: nobody is using it.
 */
void scd_status_wait_canceller_set_context(ScdStatusWaitCanceller *canceller, long context);

/* From any thread: the wait is to end, or the next one if there is none. */
void scd_status_wait_canceller_interrupt(ScdStatusWaitCanceller *canceller);

/* In the waiting thread: it has looked up. */
void scd_status_wait_canceller_reset(ScdStatusWaitCanceller *canceller);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdStatusWaitCanceller, scd_status_wait_canceller_free)
