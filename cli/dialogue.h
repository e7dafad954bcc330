/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Takes steps with a card, in one transaction, and prints each response as soon
 * as it is there. An error, or a status word that was not expected, is the end.
 */

#include "command.h"

/* steps: of ScdStep. Gives an exit status; what went wrong has been told. */
int scd_dialogue_run(GPtrArray *steps, const ScdArguments *arguments, ScdOutput *output);

/* The same with the steps in a file, see steps.h; "-" is the standard input. */
int scd_dialogue_run_file(const char *name, const ScdArguments *arguments, ScdOutput *output);
