/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The errors that refused calls get, which wait until they may be sent.
 *
 * The bus takes messages from all its connections in turn. So the errors for a flood of calls would
 * delay the replies to other users, behind which they have to wait. Their rate is limited: a
 * program that floods the service receives them late, and beyond a number of them not at all. As
 * dbus-daemon allows 128 calls without a reply, it refuses further calls of such a program itself.
 *
 * Has no lock: the caller has one.
 */

#include "bus/gate-header.h"

/* The maximum number that waits. */
#define SCD_REFUSALS_MAX 4096

typedef struct ScdRefusals ScdRefusals;

ScdRefusals *scd_refusals_new(void);
void scd_refusals_free(ScdRefusals *refusals);

/* Does nothing if too many wait. reason: its strings are static. */
void scd_refusals_add(ScdRefusals *refusals, const ScdDbusHeader *call, const ScdGateError *reason);

gboolean scd_refusals_is_empty(const ScdRefusals *refusals);

/*
 * Returns the messages that may be sent now, a few, and removes them; NULL if there are none.
 * serial: that of the last message, which it updates. now_us: a monotonic time.
 */
GByteArray *scd_refusals_take(ScdRefusals *refusals, guint32 *serial, gint64 now_us);
