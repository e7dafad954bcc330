/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A session with a reader, as the service has them. Its end leaves the card as
 * it is; a process that ends without one, as by Ctrl-C, leaves a card that the
 * service resets.
 */

#include "reader.h"

typedef struct ScdSession ScdSession;

/* With the card, shared with others, but in a transaction: they wait until the end. */
ScdSession *scd_session_begin(ScdReader *reader, GError **error);

/* Likewise with the reader alone, whether there is a card or not. */
ScdSession *scd_session_begin_direct(ScdReader *reader, GError **error);

/* The end: what was done is done, whatever the service says to it. */
void scd_session_free(ScdSession *session);

/* follow: also fetch what 61xx and 6Cxx tell of. */
GBytes *scd_session_transmit(ScdSession *session, GBytes *command, gboolean follow, GError **error);

/* The protocol that the card speaks then, such as "T=1". The transaction goes on. */
char *scd_session_reset(ScdSession *session, GError **error);

GBytes *scd_session_get_attribute(ScdSession *session, guint32 id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdSession, scd_session_free)
