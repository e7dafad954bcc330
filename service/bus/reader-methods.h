/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of the interfaces Reader and Card. */

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
