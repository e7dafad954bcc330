/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Bytes that a card or a driver gave, as the user wants them: a line of digits,
 * a JSON object in a line, the bytes themselves; on a terminal with what they
 * mean.
 */

#include "command.h"

/* Of a card: it ends with a status word. line: of the script, 0 for none. */
void ctl_response_print(GBytes *response, guint line, const CtlArguments *arguments,
                        CtlOutput *output);

/* Of a driver: any bytes. */
void ctl_response_print_plain(GBytes *response, const CtlArguments *arguments, CtlOutput *output);
