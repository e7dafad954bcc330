/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands behind the name of a sub-command: options, a reader, operands. */

#include "command.h"

/*
 * Options and words in any order; argv[0] is the command's name. json: it has been asked for
 * already. An exit status, that of the command where it was run.
 */
int ctl_arguments_run(const CtlCommand *command, gboolean json, int argc, char **argv,
                      CtlOutput *output);

/* Without GLib's own option for help, which does not notice a full disk. */
GOptionContext *ctl_arguments_new_context(const char *arguments);

int ctl_arguments_print_help(GOptionContext *context, CtlOutput *output);
