/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The way to the service, and connections to another machine. A terminal shows a status while the
 * command waits. Waiting ends at the time limit of the command, with an error of the domain
 * CTL_ERROR.
 */

#include "command.h"
#include "waiting.h"

#define CTL_BUS_NAME "org.smartcardd1"

/* How a command reaches the service. */
typedef struct {
    const char *host;  /* as ssh takes it; NULL for this machine; not owned */
    CtlOutput *output; /* for the status; NULL for none; not owned */
    gint64 end;        /* of the time limit: see ctl_waiting_get_end() */
    gboolean no_ask_password;
} CtlRoute;

/* The time limit begins now. The output must outlive the route. */
CtlRoute ctl_connection_get_route(const CtlArguments *arguments, CtlOutput *output);

/*
 * Returns a connection to the system bus of the host of the route. It is a process of ssh, which
 * ends with it; file descriptors do not cross it. The client library makes the connection to the
 * bus of this machine.
 */
GDBusConnection *ctl_connection_open_host(const CtlRoute *route, GError **error);

/* Replaces the error of a connection to the bus by one for the user. */
void ctl_connection_explain_error(const CtlRoute *route, GError **error);

/* Returns the process of the service, 0 if it is not known. */
guint ctl_connection_get_service_process(const CtlRoute *route, GDBusConnection *bus);

/* Returns the waiting of the route, which has not begun. */
CtlWaiting ctl_connection_get_waiting(const CtlRoute *route);
