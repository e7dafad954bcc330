/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Opening and closing of SCARDCONTEXTs and SCARDHANDLEs. Before pcsc-lite 2.4, libpcsclite changes
 * its lists of them without a common lock, and may crash when two threads do so at once. These
 * functions are therefore the only callers of SCardEstablishContext, SCardReleaseContext and
 * SCardDisconnect, and take turns.
 *
 * They block until pcscd answers, and must not be called in the main thread. All that may take
 * long, such as the reset of a card, is done before by other calls.
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
