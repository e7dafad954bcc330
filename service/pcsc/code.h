/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Maps PC/SC return codes to errors of the service and to the state of the connection to pcscd.
 * libpcsclite returns them zero-extended in a LONG of 64 bits; a guint32 can hold each of them.
 */

#include <glib.h>

#include "base/error.h"

/* Returns SCD_F_UNKNOWN_ERROR for codes that winscard.h does not define. code is not a success. */
ScdErrorCode scd_code_to_error(guint32 code);

/* Returns the code, or SCARD_F_UNKNOWN_ERROR for one that winscard.h does not define. */
guint32 scd_code_to_known(guint32 code);

/* Returns the code of a PC/SC error. */
guint32 scd_code_of_error(ScdErrorCode error);

/* Returns whether this code, from a call with a context, means that the context is unusable. */
gboolean scd_code_is_connection_lost(guint32 code);

/* Returns whether this code, from a call with a handle, means that the reader is gone. */
gboolean scd_code_is_reader_gone(guint32 code);

/*
 * Returns one line in English, which the caller frees: why there is no connection, and how an
 * administrator can restore it. was_connected: there was one before.
 */
char *scd_code_explain_no_connection(guint32 code, gboolean was_connected);
