/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a shell does with a card or a reader in one call: connect, say what is
 * to be said, and leave. The reply comes as soon as there is one; what is left
 * to be done then, and whatever goes meanwhile, is cared for here.
 */

#include "bus/reader.h"

/* Transmit, TransmitMany, and their twins in hex: with this card only, in a transaction. */
void scd_one_shot_transmit(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                           GDBusMethodInvocation *invocation);

/* Control and GetAttribute of a reader: directly, whether there is a card or not. */
void scd_one_shot_control(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                          GDBusMethodInvocation *invocation);
void scd_one_shot_get_attribute(ScdSessions *sessions, ScdReader *reader, GVariant *arguments,
                                GDBusMethodInvocation *invocation);
