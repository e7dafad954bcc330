/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * SetAlias() of a reader: from the call to the reply, which comes when the alias is on the disk.
 */

#include "bus/aliases.h"
#include "bus/reader.h"

void scd_set_alias_start(ScdSessions *sessions, ScdAliases *aliases, ScdReader *reader,
                         GVariant *arguments, GDBusMethodInvocation *invocation);
