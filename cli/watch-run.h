/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Runs a watch until a command has seen what it waits for. A terminal shows what is waited for. The
 * run ends when the command stops it, at a signal, at the end of the time limit, when the reading
 * end of the output is closed, and when the bus or the service cannot be reached.
 */

#include "command.h"
#include "watch.h"

typedef struct CtlWatchRun CtlWatchRun;

typedef struct {
    void (*happened)(CtlWatchRun *run, const CtlEvent *event, gpointer data);
    void (*loaded)(CtlWatchRun *run, gpointer data); /* after the objects present; NULL for none */
    void (*timed_out)(CtlWatchRun *run, gpointer data);
    void (*interrupted)(CtlWatchRun *run, int number, gpointer data); /* by that signal */
    char *(*describe)(gpointer data); /* what is waited for; NULL: readers and cards */
} CtlWatchRunFunctions;

/* Returns the exit status; an error was printed. */
int ctl_watch_run(const CtlArguments *arguments, CtlOutput *output,
                  const CtlWatchRunFunctions *functions, gpointer data);

/* Ends the run; no function of the command is called any more. */
void ctl_watch_run_stop(CtlWatchRun *run, int status);

/* Does what is done when this process receives that signal. */
void ctl_watch_run_interrupt(CtlWatchRun *run, int number);

SmartcarddClient *ctl_watch_run_get_client(CtlWatchRun *run);

/* Hides the status on the terminal, while another program uses that, or shows it again. */
void ctl_watch_run_hide_status(CtlWatchRun *run, gboolean hide);

/* Prints a note for a person, which is no part of the output. */
void ctl_watch_run_note(CtlWatchRun *run, const char *note);
