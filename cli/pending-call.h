/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A call to the service that waits for somebody, however long that takes. On a
 * terminal a status tells what for. Ctrl-C and SIGTERM end the process as they
 * do without us, so that a shell script does not take that for an answer; only
 * the terminal is left clean.
 */

#include <gio/gio.h>

#include "output.h"

typedef struct {
    GDBusConnection *bus;
    const char *path;
    const char *interface;
    const char *method;
    const char *type; /* of the answer */
    GDBusCallFlags flags;
    CtlOutput *output; /* for the status, NULL for none */
    const char *what;  /* is waited for: "Waiting for a card." */
    guint quiet_ms;    /* before that is told */
} CtlPendingCall;

/* The error is as D-Bus has it: see ctl_client_explain(). */
GVariant *ctl_pending_call(const CtlPendingCall *call, GVariant *arguments, GError **error);
