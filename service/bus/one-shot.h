/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One-shot calls: Transmit and its variants of a card, Control and GetAttribute of a reader.
 * Each connects, runs one job and disconnects, without a session. The reply is sent when the
 * job ends, before the reader is disconnected.
 *
 * All functions take over the invocation.
 */

#include "bus/session.h"

/* Transmit, TransmitMany, TransmitHex, TransmitManyHex: with the present card, in a transaction. */
void scd_one_shot_transmit(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                           GDBusMethodInvocation *invocation);

/* Both connect directly to the reader, with or without a card in it. */
void scd_one_shot_control(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                          GDBusMethodInvocation *invocation);
void scd_one_shot_get_attribute(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                                GDBusMethodInvocation *invocation);
