/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The reader that a command works on, calls to it, and a session with it. Calls have no timeout:
 * another program may hold the card, and the user may have to authenticate.
 */

#include "client.h"
#include "command.h"

typedef struct {
    GDBusConnection *bus;
    char *path;
    char *name;        /* as the user gave it, else the PC/SC name */
    CtlOutput *output; /* for the status of waiting calls, NULL for none; not owned */
} CtlReader;

/* Returns the reader that the arguments name, else the only one; fails if there are several. */
CtlReader *ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error);
void ctl_reader_free(CtlReader *reader);

/*
 * Calls a method of the reader, its card or a session. Blocks. The error has a message for the
 * user; errors of the service are SCD_ERROR.
 */
GVariant *ctl_reader_call(CtlReader *reader, const char *path, const char *interface,
                          const char *method, GVariant *arguments, const char *type,
                          GError **error);

/* The same for a method that waits while another program uses the reader; shows a status then. */
GVariant *ctl_reader_call_when_free(CtlReader *reader, const char *path, const char *interface,
                                    const char *method, GVariant *arguments, const char *type,
                                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlReader, ctl_reader_free)

/*
 * A session with a transaction. Freeing it leaves the card as it is. If the process ends without
 * freeing it, as on Ctrl-C, the service resets the card.
 */
typedef struct CtlSession CtlSession;

/* Connects to the card, shared, and begins a transaction. The reader must outlive the session. */
CtlSession *ctl_session_begin(CtlReader *reader, GError **error);

/* Likewise without a card: connects directly to the reader. */
CtlSession *ctl_session_begin_direct(CtlReader *reader, GError **error);

/* Closes the session; ignores errors. */
void ctl_session_free(CtlSession *session);

/* Returns the response. follow: also handle the status words 61xx and 6Cxx. */
GBytes *ctl_session_transmit(CtlSession *session, GBytes *command, gboolean follow, GError **error);

/* Resets the card. Returns its protocol afterwards, such as "T=1". The transaction goes on. */
char *ctl_session_reset(CtlSession *session, GError **error);

GBytes *ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlSession, ctl_session_free)
