/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The reader that a command works on, calls to it, and a session with it. All calls together have
 * the time limit of --timeout, which begins when the reader is chosen. Without one they wait for as
 * long as another program has the card, or until the user has authenticated.
 */

#include <glib/gi18n.h>

#include "call.h"
#include "command.h"

typedef struct {
    GDBusConnection *bus;
    SmartcarddClient *client;
    SmartcarddReader *object; /* owned by the client while it is connected */
    const char *protocol;     /* of sessions with the card; NULL for any */
    char *path;
    char *name;     /* as the user gave it, else the PC/SC name */
    CtlRoute route; /* with the status of waiting calls, and the time limit */
    GPid agent;     /* asks for passwords on the terminal; 0 for none */
    gboolean no_ask_password;
    gboolean sends; /* errors say whether a command was sent to the card; FALSE at first */
} CtlReader;

/*
 * Returns the reader that the arguments name, else the only one; fails if there are several. On a
 * terminal, starts an agent, which asks for passwords and is stopped when the reader is freed.
 */
CtlReader *ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error);
void ctl_reader_free(CtlReader *reader);

/* The status of a call that waits while another program uses the reader. */
#define CTL_READER_WAITING N_("Waiting: another program may be using the reader.")

typedef struct {
    const char *method;
    const char *type;   /* of the reply */
    const char *status; /* shown on a terminal while the call waits; not translated */
} CtlReaderCall;

/*
 * Calls a method of the reader that takes options, and blocks. arguments: as for ctl_call_run().
 * The error has a message for the user; errors of the service are SCD_ERROR.
 */
GVariant *ctl_reader_call(const CtlReader *reader, const CtlReaderCall *call, GVariant *arguments,
                          GError **error);

/* Returns the properties of the reader, a{sv}. */
GVariant *ctl_reader_get_properties(const CtlReader *reader, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlReader, ctl_reader_free)

/*
 * A session with a transaction. Freeing it leaves the card as it is. If the process ends without
 * freeing it, or after Ctrl-C or the time limit has ended a call, the service resets the card.
 */
typedef struct CtlSession CtlSession;

/* Connects to the card, shared, without a transaction. The reader must outlive the session. */
CtlSession *ctl_session_open(CtlReader *reader, GError **error);

/* Likewise, and begins a transaction. */
CtlSession *ctl_session_begin(CtlReader *reader, GError **error);

/* Likewise without a card: connects directly to the reader. */
CtlSession *ctl_session_begin_direct(CtlReader *reader, GError **error);

/* Closes the session, unless a call was given up; ignores errors. */
void ctl_session_free(CtlSession *session);

/* Returns the response. follow: also handle the status words 61xx and 6Cxx. */
GBytes *ctl_session_transmit(CtlSession *session, GBytes *command, gboolean follow, GError **error);

/*
 * Lets the user enter a PIN at the reader, or change one, and returns the response of the card.
 * Tells the user when to enter it. format: a{sv}, as for Session.VerifyPin and ModifyPin
 */
GBytes *ctl_session_enter_pin(CtlSession *session, gboolean modify, GBytes *command,
                              GVariant *format, GError **error);

/* Sends a control code to the driver of the reader, and returns its response. */
GBytes *ctl_session_control(CtlSession *session, guint32 code, GBytes *data, GError **error);

/* Returns the protocol that the session began with, such as "T=1". */
const char *ctl_session_get_protocol(const CtlSession *session);
const char *ctl_session_get_path(const CtlSession *session);

/*
 * Resets the card; cold: by taking its power. Returns its protocol afterwards. The transaction goes
 * on.
 */
char *ctl_session_reset(CtlSession *session, gboolean cold, GError **error);

GBytes *ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlSession, ctl_session_free)
