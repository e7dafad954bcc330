/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl run: runs a program with libpcsclite-dbus, with any installed version of
 * pcsc-lite. From 2.1 on, pcsc-lite loads the library that LIBPCSCLITE_DELEGATE names. For older
 * versions, and programs that bring their own copy, LD_LIBRARY_PATH finds the library by its name.
 */

#include <errno.h>
#include <glib/gi18n.h>
#include <unistd.h>

#include "cli-config.h"
#include "command.h"

/* Overrides the folder of the installed library. */
#define FOLDER_VARIABLE "SMARTCARDCTL_LIBRARY_DIR"

/* The exit statuses of env(1) and shells. */
#define STATUS_CANNOT_RUN 126
#define STATUS_NOT_FOUND 127

static int
print_run_error(int status, const char *subject, const char *reason)
{
    g_autofree char *message = g_strdup_printf("%s: %s", subject, reason);

    ctl_output_print_error(message);
    return status;
}

static void
set_environment(const char *folder, const char *library)
{
    const char *others = g_getenv("LD_LIBRARY_PATH");
    g_autofree char *folders =
        others && *others ? g_strconcat(folder, ":", others, NULL) : g_strdup(folder);

    g_setenv("LD_LIBRARY_PATH", folders, TRUE);
    g_setenv("LIBPCSCLITE_DELEGATE", library, TRUE);
}

static int
run_program(const CtlArguments *arguments, CtlOutput *output)
{
    char **command = (char **)arguments->operands;
    const char *other_folder = g_getenv(FOLDER_VARIABLE);
    const char *folder = other_folder ? other_folder : PCSC_LIBRARY_DIR;
    g_autofree char *library = g_build_filename(folder, "libpcsclite-dbus.so.1", NULL);

    if (access(library, R_OK) < 0)
        return print_run_error(STATUS_CANNOT_RUN, library, g_strerror(errno));
    set_environment(folder, library);
    execvp(command[0], command);
    return print_run_error(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN, command[0],
                           g_strerror(errno));
}

const CtlCommand ctl_command_run = {
    .name = "run",
    .argument = N_("[--] PROGRAM [ARGUMENTS…]"),
    .summary = N_("Run a PC/SC program with smartcardd instead of pcscd"),
    .description =
        N_("The program uses PC/SC, as pcsc_scan, gpg and browsers do, and is not modified:\n"
           "its PC/SC calls go to smartcardd instead of pcscd, and so do those of programs\n"
           "that it starts.\n"
           "\n"
           "The exit status is the program's; 127 if the program does not exist, 126 if it\n"
           "cannot be run."),
    .reader = CTL_READER_NEVER,
    .min_operands = 1,
    .max_operands = G_MAXUINT,
    .has_program = TRUE,
    .run = run_program,
};
