/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * PC/SC return codes: to our errors, and what they say about the connection to
 * pcscd. libpcsclite gives them zero-extended in a LONG of 64 bits; a guint32
 * holds every one of them.
 */

#include <glib.h>

#include "base/error.h"

/* The error for a code that is no success; SCD_F_UNKNOWN_ERROR for codes that winscard.h does not
 * know. */
ScdErrorCode scd_code_to_error(guint32 code);

/* The other way round, for an error of PC/SC. */
guint32 scd_code_of_error(ScdErrorCode error);

/* What a code on an established context says about that context. */
gboolean scd_code_is_connection_lost(guint32 code);

/* Why there is no connection, and what an administrator can do, in one English line. */
char *scd_code_explain_no_connection(guint32 code);
