/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The reader that a command uses, and calls to it. The time limit of --timeout is for all calls
 * together, and begins when the reader is chosen. Without it, a call waits until no other program
 * has the card, and until the user has authenticated. Errors have a message for the user.
 */

#include <glib/gi18n.h>

#include "client.h"
#include "command.h"

typedef struct {
    SmartcarddClient *client;
    SmartcarddReader *object;      /* owned by the client while it is connected */
    SmartcarddProtocols protocols; /* of sessions with the card */
    char *name;                    /* as the user gave it, else the PC/SC name */
    CtlRoute route;                /* with the time limit */
    GPid agent;                    /* asks for passwords on the terminal; 0 for none */
    gboolean sends; /* errors say whether a command was sent to the card; FALSE at first */
} CtlReader;

/*
 * Returns the reader that the arguments name, else the only one; fails if there are several. On a
 * terminal, starts an agent, which asks for passwords and is stopped when the reader is freed.
 */
CtlReader *ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error);
void ctl_reader_free(CtlReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlReader, ctl_reader_free)

/* The status of a call that waits while another program uses the reader. */
#define CTL_READER_WAITING N_("Waiting: another program may be using the reader.")

/* The status of a call that may also wait until the user has authenticated. Not translated. */
const char *ctl_reader_get_access_status(const CtlReader *reader);

/*
 * Begins to wait for a call, see ctl_waiting_begin_call(). status: shown on a terminal while the
 * call waits; not translated. The error has a message for the user.
 */
gboolean ctl_reader_begin_call(const CtlReader *reader, CtlWaiting *waiting, const char *status,
                               GError **error);

/* Replaces the message of a failed call by one for the user. Takes call_error. */
void ctl_reader_propagate_error(const CtlReader *reader, GError **error, GError *call_error);

/* Sends a control code to the driver of the reader without a session; returns its response. */
GBytes *ctl_reader_control(const CtlReader *reader, guint32 code, GBytes *data, GError **error);

/* alias: empty to remove it */
gboolean ctl_reader_set_alias(const CtlReader *reader, const char *alias,
                              SmartcarddAliasBinding binding, GError **error);

/*
 * A session with the reader, whose calls block. Freeing it leaves the card as it is. If the process
 * ends without freeing it, or after Ctrl-C or the time limit has ended a call, the service resets
 * the card.
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlSession, ctl_session_free)

/* Returns the session of the library, which emits signals while the main loop runs. */
SmartcarddSession *ctl_session_get_object(const CtlSession *session);

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

/* Resets the card; cold: by taking its power. The transaction goes on. */
gboolean ctl_session_reset(CtlSession *session, gboolean cold, GError **error);

/* Returns the protocol, such as "T=1"; empty if none is selected. */
const char *ctl_session_get_protocol(const CtlSession *session);

GBytes *ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error);
