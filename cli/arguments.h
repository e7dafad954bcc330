/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands behind the name of a sub-command: options, a reader, operands. */

#include "command.h"

/*
 * Options and words in any order; argv[0] is the command's name. json: it has been asked for
 * already. An exit status, that of the command where it was run.
 */
int scd_arguments_run(const ScdCommand *command, gboolean json, int argc, char **argv,
                      ScdOutput *output);

/* Without GLib's own option for help, which does not notice a full disk. */
GOptionContext *scd_arguments_new_context(const char *arguments);

int scd_arguments_print_help(GOptionContext *context, ScdOutput *output);
