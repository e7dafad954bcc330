/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Constructors for errors of the domain SMARTCARDD_ERROR. */

#include "smartcardd-enums.h"

/* Ends of messages, by which smartcardd_get_delivery() knows what has become of a command. */
#define SMARTCARDD_NOT_SENT "not sent"
#define SMARTCARDD_SENT "sent, result unknown"

/*
 * Sets the error for a PC/SC code, such as 0x80100069; an unknown code gives
 * SMARTCARDD_ERROR_UNKNOWN_ERROR. note: appended to the message, such as SMARTCARDD_NOT_SENT; NULL
 * for none
 */
void smartcardd_error_set_code(GError **error, guint32 code, const char *note);

/* Sets an error that PC/SC does not have, such as SMARTCARDD_ERROR_NOT_OWNER. */
void smartcardd_error_set_own(GError **error, SmartcarddError code);

/* Sets the error for a reply of the service that has not the type that the contract says. */
void smartcardd_error_set_invalid_reply(GError **error);

/*
 * Converts an error of GDBus or of GIO, in place, to the domain SMARTCARDD_ERROR, and returns it.
 * Errors of the service that this version does not know become SMARTCARDD_ERROR_UNKNOWN_ERROR, all
 * others without an equivalent SMARTCARDD_ERROR_SERVICE_UNREACHABLE.
 */
GError *smartcardd_error_adopt(GError *error);
