/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The method Connect of readers and cards, from the call to the session: who
 * calls, may they, the connection itself. Whatever goes meanwhile ends it.
 */

#include "bus/reader.h"

/* card: for this card only; NULL: for the reader, whatever is in it. */
void scd_connect_start(ScdSessions *sessions, ScdReader *reader, const ScdCard *card,
                       GVariant *arguments, GDBusMethodInvocation *invocation);
