/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Implements Connect of readers and cards: caller lookup, polkit, SCardConnect, session.
 */

#include "bus/session.h"

/*
 * card: the session is for this card only; NULL: for any card in the reader. Takes over the
 * invocation.
 */
void scd_connect_start(ScdSessions *sessions, ScdReader *reader, const ScdCard *card,
                       GVariant *arguments, GDBusMethodInvocation *invocation);
