/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parses the arguments that follow the name of a sub-command: options, a reader, operands. */

#include "command.h"

/* Options that may also be given before the name of the command. */
typedef struct {
    gboolean json;
    gboolean no_ask_password;
    char *host; /* NULL for none */
} CtlCommonOptions;

/*
 * Parses the arguments and runs the command. Options and words may come in any order; argv[0] is
 * the command's name. common: those that were given before the name. Returns an exit status: the
 * command's own if it ran.
 */
int ctl_arguments_run(const CtlCommand *command, const CtlCommonOptions *common, int argc,
                      char **argv, CtlOutput *output);

/* Returns whether an option such as "--timeout=5" is one that takes a value. */
gboolean ctl_arguments_takes_value(const char *option);

/* A context without GLib's own --help, which does not report errors of writing. */
GOptionContext *ctl_arguments_new_context(const char *arguments);

/* Returns EXIT_SUCCESS. */
int ctl_arguments_print_help(GOptionContext *context, CtlOutput *output);
