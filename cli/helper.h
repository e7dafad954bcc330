/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Programs that help a command: ssh and an agent of polkit. The kernel sends them SIGTERM when the
 * thread that started them ends, also if this process is killed. So start them in the main thread.
 */

#include "output.h"

/* The number of the descriptor that a helper may get beside the standard ones. */
#define CTL_HELPER_FD 3

typedef struct {
    const char *const *command; /* found in PATH */
    int stream;                 /* its standard input and output; -1: those of this program */
    int fd;                     /* becomes CTL_HELPER_FD; -1 for none */
    gboolean ignores_interrupt; /* Ctrl-C does not end it */
    gboolean is_silent;         /* what it writes to the standard error is dropped */
} CtlHelper;

/*
 * Returns the process, or 0 with an error if the program cannot be started. The descriptors of the
 * helper stay open here.
 */
GPid ctl_helper_start(const CtlHelper *helper, GError **error);

/* Ends the process, and blocks until it has gone. Does nothing for 0. */
void ctl_helper_stop(GPid process);

/*
 * Starts the agent that asks for passwords on the terminal, and blocks until polkit knows it, for
 * at most two seconds, with a status on the output unless that is NULL. Its questions go to the
 * terminal; it writes errors only if polkit is missing, which the command itself reports. It leaves
 * the work to an agent of the desktop if there is one. Returns the process, or 0 if there is no
 * agent, or no need for one.
 */
GPid ctl_helper_start_agent(CtlOutput *output);
