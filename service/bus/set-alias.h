/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Implements SetAlias of readers. The reply is sent when the alias is on disk. */

#include "bus/aliases.h"
#include "bus/session.h"

/* Takes over the invocation. */
void scd_set_alias_start(ScdSessions *sessions, ScdAliases *aliases, ScdReader *reader,
                         GVariant *arguments, GDBusMethodInvocation *invocation);
