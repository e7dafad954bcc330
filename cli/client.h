/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The way to the service, and a client of it, which starts it if it is not running. A terminal
 * shows a status while the command waits. Waiting ends at the time limit of the command, with an
 * error of the domain CTL_ERROR. The message of an error is one line for the user: the problem and
 * a remedy.
 */

#include "command.h"
#include "reader-view.h"
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
CtlRoute ctl_client_get_route(const CtlArguments *arguments, CtlOutput *output);

/* Returns the process of the service, 0 if it is not known. */
guint ctl_client_get_service_process(const CtlRoute *route, GDBusConnection *bus);

/* Returns the waiting of the route, which has not begun. */
CtlWaiting ctl_client_get_waiting(const CtlRoute *route);

/* Connects to the service, and reads the readers and cards. */
SmartcarddClient *ctl_client_new(const CtlRoute *route, GError **error);

/*
 * Returns a client that is not initialized, which the caller does. The connection to another host
 * is made here.
 */
SmartcarddClient *ctl_client_prepare(const CtlRoute *route, GError **error);

/* Replaces the error of the initialization by one for the user. */
void ctl_client_explain_start_error(SmartcarddClient *client, const CtlRoute *route,
                                    GError **error);

/* Returns the connection to the bus; NULL if there is none. */
GDBusConnection *ctl_client_dup_connection(SmartcarddClient *client);

/* Closes the connection, at which the service ends sessions that are still open. */
void ctl_client_disconnect(SmartcarddClient *client);

/* Fails if the service cannot reach pcscd. */
gboolean ctl_client_check_pcscd(SmartcarddClient *client, GError **error);

/* Does what both of these do. */
SmartcarddClient *ctl_client_load(const CtlRoute *route, GError **error);

/*
 * Returns the reader that the selector names: its alias, USB path, serial number, object path or
 * PC/SC name, or a part of that name if no other reader has it, in upper or lower case. Without a
 * selector, returns the only reader. Fails if there is none or more than one. The client owns the
 * reader.
 */
SmartcarddReader *ctl_client_find_reader(SmartcarddClient *client, const char *selector,
                                         GError **error);

/*
 * Returns whether a selector names the reader, which may not be in the list of the client any more.
 * Several readers may have the name.
 */
gboolean ctl_client_is_named(SmartcarddClient *client, SmartcarddReader *reader,
                             const char *selector);

/* Replaces the message of an error of the client library by one for the user. */
void ctl_client_explain_error(GError *error);

/*
 * Starts the agent of polkit that asks for passwords on the terminal, and blocks until polkit knows
 * it, for at most two seconds, with a status on the output unless that is NULL. Its questions go to
 * the terminal; it writes errors only if polkit is missing, which the command itself reports. It
 * leaves the work to an agent of the desktop if there is one. Returns the process, or 0 if there is
 * no agent, or no need for one. In the main thread: the agent ends with it.
 */
GPid ctl_client_start_agent(CtlOutput *output);

/* Ends the process, and blocks until it has gone. Does nothing for 0. */
void ctl_client_stop_agent(GPid process);
