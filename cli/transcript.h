/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Takes steps with a card, in one transaction, and prints each response as soon
 * as it is there. An error, or a status word that was not expected, is the end.
 */

#include "command.h"

/* steps: of CtlApduStep. Gives an exit status; what went wrong has been told. */
int ctl_transcript_run(GPtrArray *steps, const CtlArguments *arguments, CtlOutput *output);

/* The same with the steps in a file, see apdu-script.h; "-" is the standard input. */
int ctl_transcript_run_file(const char *name, const CtlArguments *arguments, CtlOutput *output);
