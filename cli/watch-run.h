/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Runs a watch for a command, and shows a status on a terminal. The run ends when the command stops
 * it, at a signal, at the end of the time limit, when the program that reads the output closes it,
 * and when the bus or the service cannot be reached.
 *
 * A filter selects the readers and cards that the command waits for, by the options of the user.
 */

#include "command.h"
#include "reader-view.h"
#include "watch.h"

typedef struct CtlWatchRun CtlWatchRun;

typedef struct {
    void (*happened)(CtlWatchRun *run, const CtlEvent *event, gpointer data);
    void (*loaded)(CtlWatchRun *run, gpointer data); /* after the objects present; NULL for none */
    void (*timed_out)(CtlWatchRun *run, gpointer data);
    void (*interrupted)(CtlWatchRun *run, int number, gpointer data); /* by that signal */
    char *(*describe)(gpointer data); /* returns the status; NULL: waiting for readers and cards */
} CtlWatchRunFunctions;

/* Returns the exit status; an error was printed. */
int ctl_watch_run(const CtlArguments *arguments, CtlOutput *output,
                  const CtlWatchRunFunctions *functions, gpointer data);

/* Ends the run; no function of the command is called any more. */
void ctl_watch_run_stop(CtlWatchRun *run, int status);

/* Handles a signal of this number, as if this process had received it. */
void ctl_watch_run_interrupt(CtlWatchRun *run, int number);

SmartcarddClient *ctl_watch_run_get_client(CtlWatchRun *run);

/* Hides the status on the terminal, while another program uses that, or shows it again. */
void ctl_watch_run_hide_status(CtlWatchRun *run, gboolean hide);

/* Prints a note for a person, which is no part of the output. */
void ctl_watch_run_note(CtlWatchRun *run, const char *note);

typedef struct {
    const char *const *readers; /* selectors, of which one has to name the reader; NULL for any */
    const char *const *others;  /* selectors of readers to ignore; NULL for none */
    const char *card_path;      /* NULL for any card */
    GBytes *atr;                /* NULL for any; owned */
    GBytes *mask;               /* as long as atr; owned */
    gboolean mute;              /* cards that do not answer count */
} CtlCardFilter;

/*
 * Sets the ATR and the mask from a text such as "3B02145000/FFFFFFFF00", of hexadecimal digits with
 * optional spaces and colons. Without a mask all bits count. Returns FALSE if the text is not
 * valid.
 */
gboolean ctl_card_filter_parse_atr(CtlCardFilter *filter, const char *text);
void ctl_card_filter_clear(CtlCardFilter *filter);

gboolean ctl_card_filter_fits_reader(const CtlCardFilter *filter, SmartcarddClient *client,
                                     const CtlReaderView *reader);

/* Returns whether the reader and its card fit. */
gboolean ctl_card_filter_fits_card(const CtlCardFilter *filter, SmartcarddClient *client,
                                   const CtlReaderView *reader);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CtlCardFilter, ctl_card_filter_clear)
