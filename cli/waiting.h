/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Runs the main loop until an asynchronous operation ends or its time limit expires. A terminal
 * shows what the command waits for.
 *
 * SIGINT and SIGTERM end the process at once, unless the operation is a call: one of the client
 * library that waits for another program, for a card, or for the user, and may send something to
 * the card. A signal cancels a call. The library then ends it, with an error that says whether the
 * card has the command; one that was not sent yet is never sent. A second signal ends the process
 * without waiting for that.
 *
 * After a signal, the command prints the error and returns, and each further call fails without
 * being sent; main() then ends the process by the same signal, so that a shell script does not
 * mistake that for a result.
 */

#include <gio/gio.h>

#include "output.h"

#define CTL_WAITING_NO_LIMIT G_MAXINT64

/* Calls do not wait for programs, cards or users. ctl_waiting_run() itself then has no limit. */
#define CTL_WAITING_DO_NOT_WAIT 0

/* The time before a terminal shows the status. */
#define CTL_WAITING_DELAY_MS 1000

typedef struct {
    /* Set before ctl_waiting_begin(). */
    CtlOutput *output;  /* NULL for no status */
    const char *status; /* such as "Waiting for a card." */
    guint delay_ms;     /* before the status is shown */
    gint64 end;         /* see ctl_waiting_get_end() */

    /* Pass them to the operation. */
    GCancellable *cancellable;
    gint timeout_ms; /* of a call, as the client library takes it */

    /* Private. */
    GMainLoop *loop;
    GAsyncResult *result;
    gboolean is_call;
    gboolean is_for_fd; /* no operation ends when it is cancelled */
    gboolean timed_out;
    guint signals, timer; /* sources; 0 when not pending */
    guint limit;
} CtlWaiting;

/*
 * Returns the end of a time limit that begins now, in microseconds of g_get_monotonic_time(). A
 * negative time limit means none, and 0 that calls do not wait.
 */
gint64 ctl_waiting_get_end(gint64 timeout_us);

/* Begin before the operation is started, and pass it ctl_waiting_finish(), with the CtlWaiting. */
void ctl_waiting_begin(CtlWaiting *waiting);
void ctl_waiting_finish(GObject *source, GAsyncResult *result, gpointer waiting);

/*
 * Likewise for a call, which has the time limit itself. Fails if it must not be sent any more:
 * after a signal, or if the time is over. The errors are those of the library.
 */
gboolean ctl_waiting_begin_call(CtlWaiting *waiting, GError **error);

/* Returns whether a call was cancelled because the service has not ended it at its time limit. */
gboolean ctl_waiting_has_cancelled_at_limit(void);

/* Blocks until the operation has ended, and returns its result, which the caller owns. */
GAsyncResult *ctl_waiting_run(CtlWaiting *waiting);

/*
 * Blocks until the descriptor can be read without blocking, or its other end is closed. Returns
 * FALSE if the time limit expired first. For a waiting that has not begun.
 */
gboolean ctl_waiting_run_until_readable(CtlWaiting *waiting, int fd);

/*
 * If the time limit has expired, replaces the error of the operation by CTL_STATUS_TIMEOUT, and
 * returns TRUE.
 */
gboolean ctl_waiting_explain_error(const CtlWaiting *waiting, GError **error);

/* Shows the status with how to stop the command. */
void ctl_waiting_show_status(CtlOutput *output, const char *status);

/* Replaces the status while the operation waits. */
void ctl_waiting_change_status(CtlWaiting *waiting, const char *status);

/* Notes that a signal has ended another kind of waiting. */
void ctl_waiting_set_interrupted(int number);

/* Ends the process by the signal that has cancelled a call, if there was one. */
void ctl_waiting_end_by_signal(void);
