/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes errors of the domain SMARTCARDD_ERROR. */

#include "smartcardd-enums.h"

/* Ends of messages, by which smartcardd_get_delivery() knows what has become of a command. */
#define SMARTCARDD_NOT_SENT "not sent"
#define SMARTCARDD_SENT "sent, result unknown"

/*
 * Sets the error for a PC/SC code, such as 0x80100069. note: NULL, or more about it, such as
 * SMARTCARDD_NOT_SENT.
 */
void smartcardd_error_set_code(GError **error, guint32 code, const char *note);

/* Sets an error that PC/SC does not have. */
void smartcardd_error_set_own(GError **error, SmartcarddError code);

/* Moves an error of GDBus, or of GIO, to our domain. Returns it. */
GError *smartcardd_error_adopt(GError *error);
