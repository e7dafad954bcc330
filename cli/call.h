/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A call to smartcardd that may wait: for another program, for a card, or for the user. It ends at
 * its time limit. SIGINT and SIGTERM cancel it: the service then replies at once with the error
 * SCD_E_CANCELLED, and a command that was not sent to the card yet is never sent. A second signal
 * ends the process without waiting for that reply.
 *
 * After a signal, the command prints the error and returns, and each further call fails without
 * being sent; main() then ends the process by the same signal, so that a shell script does not
 * mistake that for a result.
 */

#include "client.h"
#include "output.h"
#include "waiting.h"

typedef struct {
    GDBusConnection *bus;
    const char *path;
    const char *interface;
    const char *method;
    const char *type; /* of the reply */
    GDBusCallFlags flags;
    gint64 end;         /* of the time limit: see ctl_waiting_get_end() */
    CtlOutput *output;  /* a terminal shows the status while the call waits; NULL for none */
    const char *status; /* such as "Waiting for a card." */
    guint delay_ms;     /* before the status is shown */
} CtlCall;

/*
 * Runs the main loop until the reply arrives. arguments: a tuple whose last item is the dictionary
 * of options, to which the time limit and the name of the call are added. The message of
 * SCD_E_TIMEOUT and SCD_E_CANCELLED says whether the command was sent; see
 * ctl_client_explain_error() for other errors.
 */
GVariant *ctl_call_run(const CtlCall *call, GVariant *arguments, GError **error);

/*
 * Returns whether a call that ended with this error had sent its command, so that the result is
 * unknown, or had not sent it. Both are FALSE for errors that do not say so.
 */
gboolean ctl_call_was_sent(const GError *error);
gboolean ctl_call_was_not_sent(const GError *error);

/* Returns whether a signal has cancelled a call, or has ended another kind of waiting. */
gboolean ctl_call_is_interrupted(void);

/* Notes that a signal has ended another kind of waiting. */
void ctl_call_set_interrupted(int number);

/* Ends the process by the signal that has cancelled a call, if there was one. */
void ctl_call_end_by_signal(void);
