/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The methods of the interfaces Reader, Card and Session: their tables, and the methods of readers
 * and cards that have a file of their own. The methods of Session are jobs of the reader's worker.
 */

#include "bus/aliases.h"
#include "bus/reader.h"
#include "bus/session.h"
#include "bus/wait-calls.h"

/* All of it must outlive the readers. */
struct ScdMethodContext {
    ScdSessions *sessions;
    ScdAuthorization *authorization;
    ScdAliases *aliases;
    ScdWaitCalls *wait_calls;
};

/* For ScdReaderParts. */
extern const ScdInterface scd_reader_methods;
extern const ScdInterface scd_card_methods;

/* For ScdSessionsParts. */
extern const ScdInterface scd_session_methods;

/*
 * Connect of readers and cards: caller lookup, polkit, SCardConnect, session. card: the session is
 * for this card only; NULL: for any card in the reader. Takes over the invocation.
 */
void scd_connect_start(ScdSessions *sessions, ScdReader *reader, const ScdCard *card,
                       GVariant *arguments, GDBusMethodInvocation *invocation);

/*
 * One-shot calls: Transmit and its variants of a card, Control and GetAttribute of a reader. Each
 * connects, runs one job and disconnects, without a session. The reply is sent when the job ends,
 * before the reader is disconnected. They take over the invocation.
 */

/* Transmit, TransmitMany, TransmitHex, TransmitManyHex: with the present card, in a transaction. */
void scd_one_shot_transmit(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                           GDBusMethodInvocation *invocation);

/* Both connect directly to the reader, with or without a card in it. */
void scd_one_shot_control(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                          GDBusMethodInvocation *invocation);
void scd_one_shot_get_attribute(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                                GDBusMethodInvocation *invocation);
