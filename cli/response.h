/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Prints bytes that a card or a driver returned, in the form that the arguments ask for: a line of
 * hexadecimal digits, a JSON object in a line, or the bytes themselves. A terminal gets a hex dump
 * and the meaning of the status word.
 */

#include "command.h"

/* A card's response, which ends with a status word. line: in the script, 0 for none. */
void ctl_response_print(GBytes *response, guint line, const CtlArguments *arguments,
                        CtlOutput *output);

/* Bytes without a status word. line: likewise */
void ctl_response_print_plain(GBytes *response, guint line, const CtlArguments *arguments,
                              CtlOutput *output);

/*
 * Returns the meaning of a status word by ISO/IEC 7816-4:2020, clause 5.6, in the user's language
 * or in English; empty when the standard defines none.
 */
char *ctl_response_explain_status(guint16 status, gboolean translated);
