/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Jobs that are given up after some time: the option "timeout-ms". The timers
 * are the main loop's, so that they fire whatever the worker is caught in.
 */

#include "pcsc/handle.h"

#define SCD_NO_TIMEOUT G_MAXUINT32

typedef struct ScdPatience ScdPatience;

/* For the jobs of one handle, until that is closed. */
ScdPatience *scd_patience_new(ScdHandle *handle);
void scd_patience_free(ScdPatience *patience);

/* The job, not submitted yet, ends with SCARD_E_TIMEOUT when the time, in milliseconds, is over. */
void scd_patience_limit(ScdPatience *patience, ScdJob *job, guint32 timeout_ms);
