/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The connection to the system bus, and calls that block. A terminal shows what the command waits
 * for. They end at the time limit of the command, with an error of the domain CTL_ERROR.
 */

#include "command.h"
#include "waiting.h"

#define CTL_BUS_NAME "org.smartcardd1"

/* How a command reaches the service. */
typedef struct {
    const char *host;  /* as ssh takes it; NULL for this machine; not owned */
    CtlOutput *output; /* for the status; NULL for none; not owned */
    gint64 end;        /* of the time limit: see ctl_waiting_get_end() */
} CtlRoute;

/* The time limit begins now. The output must outlive the route. */
CtlRoute ctl_connection_get_route(const CtlArguments *arguments, CtlOutput *output);

/*
 * Returns a connection to the system bus, also from inside a user namespace. Losing it does not end
 * the process. The connection to another host is a process of ssh, which ends with it; file
 * descriptors do not cross it.
 */
GDBusConnection *ctl_connection_open(const CtlRoute *route, GError **error);

/* A call to the service, or to the bus. */
typedef struct {
    const char *name; /* of the service */
    const char *path;
    const char *interface;
    const char *method;
    const char *type; /* of the reply */
} CtlConnectionCall;

/* arguments: a tuple, NULL for none; taken if it is floating. Errors are those of GDBus. */
GVariant *ctl_connection_call(const CtlRoute *route, GDBusConnection *bus,
                              const CtlConnectionCall *call, GVariant *arguments, GError **error);

/* Returns the waiting of the route, which has not begun. */
CtlWaiting ctl_connection_get_waiting(const CtlRoute *route);
