/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A session with a reader, as the service has them. Its end leaves the card as
 * it is; a process that ends without one, as by Ctrl-C, leaves a card that the
 * service resets.
 */

#include "reader.h"

typedef struct CtlSession CtlSession;

/* With the card, shared with others, but in a transaction: they wait until the end. */
CtlSession *ctl_session_begin(CtlReader *reader, GError **error);

/* Likewise with the reader alone, whether there is a card or not. */
CtlSession *ctl_session_begin_direct(CtlReader *reader, GError **error);

/* The end: what was done is done, whatever the service says to it. */
void ctl_session_free(CtlSession *session);

/* follow: also fetch what 61xx and 6Cxx tell of. */
GBytes *ctl_session_transmit(CtlSession *session, GBytes *command, gboolean follow, GError **error);

/* The protocol that the card speaks then, such as "T=1". The transaction goes on. */
char *ctl_session_reset(CtlSession *session, GError **error);

GBytes *ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlSession, ctl_session_free)
