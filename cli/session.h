/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A session with the reader of a command, and its calls, which block. Freeing it leaves the card as
 * it is. If the process ends without freeing it, or after Ctrl-C or the time limit has ended a
 * call, the service resets the card. Errors have a message for the user.
 */

#include "reader.h"

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
