/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Opens and closes SCARDCONTEXTs and SCARDHANDLEs, ends waits in them, and makes the calls that
 * fill a buffer.
 *
 * Before pcsc-lite 2.4, libpcsclite changes its lists of contexts and handles without a common
 * lock, and may crash when two threads do so at once. The functions of this file are therefore the
 * only callers of SCardEstablishContext, SCardReleaseContext and SCardDisconnect, and take turns.
 *
 * They block until pcscd answers, and must not be called in the main thread. All that may take
 * long, such as the reset of a card, is done before by other calls; except for powering a card
 * down, because pcscd powers it up again after all other calls that do so.
 */

#include <glib.h>

/* Returns a PC/SC code. */
guint32 scd_pcsc_establish(long *context);

/* Closes the handles of the context as well. */
void scd_pcsc_release(long context);

/* Leaves the card as it is. Returns a PC/SC code. */
guint32 scd_pcsc_disconnect(long card);

/*
 * Powers the card down, which stays off until its next use. The handle must have a transaction or
 * be exclusive: else pcscd would wait for the end of another transaction. Returns a PC/SC code.
 */
guint32 scd_pcsc_disconnect_and_unpower(long card);

/*
 * Ends the waits of one thread in SCardGetStatusChange. SCardCancel ends a running wait, has no
 * effect on one that is about to begin, and blocks while pcscd does. A separate thread therefore
 * repeats the call until the waiting thread confirms that it has returned from the wait.
 */
typedef struct ScdStatusWaitCanceller ScdStatusWaitCanceller;

/* Fails if the system has no thread left. */
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

/*
 * Calls of libpcsclite that fill a buffer. *length is the size of the buffer, and on return the
 * number of bytes in it: 0 after an error, and never more than the size. A longer answer, which
 * only a fault of the driver or of libpcsclite can cause, is SCARD_E_INSUFFICIENT_BUFFER.
 *
 * All return a PC/SC code, and block until pcscd answers.
 */

/*
 * protocol: of the command, SCARD_PROTOCOL_…. answer_protocol: is set to that in the header of the
 * response, and keeps its value if the driver sets none; NULL if it is not needed.
 */
guint32 scd_pcsc_transmit(long card, guint32 protocol, gconstpointer command, gsize command_length,
                          guint32 *answer_protocol, guint8 *response, gsize *length);

guint32 scd_pcsc_control(long card, guint32 control_code, gconstpointer input, gsize input_length,
                         guint8 *output, gsize *length);

guint32 scd_pcsc_get_attribute(long card, guint32 id, guint8 *value, gsize *length);
