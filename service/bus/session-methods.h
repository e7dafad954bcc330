/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of the interface Session. Each becomes a job of the reader's worker. */

#include "bus/object.h"

/* For ScdSessionsParts. */
extern const ScdInterface scd_session_methods;
