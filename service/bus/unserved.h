/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The method ListUnservedDevices: USB devices that look like readers, but are no readers on the
 * bus, with the reason as far as it can be known.
 */

#include "base/settings.h"
#include "bus/reader-tracker.h"
#include "bus/thread-calls.h"

typedef struct ScdUnserved ScdUnserved;

/* All of it must outlive it. */
typedef struct {
    const char *sysfs; /* the path of /sys */
    const ScdReaderTracker *tracker;
    ScdSettings *const *settings; /* the present ones */
    char *const *trouble;         /* why pcscd is not available; NULL while it is */
} ScdUnservedParts;

ScdUnserved *scd_unserved_new(const ScdUnservedParts *parts);

/* Ends pending calls with SCD_P_SHUTDOWN. */
void scd_unserved_free(ScdUnserved *unserved);

/* Takes the call, and replies to it when sysfs has been read in a thread. */
void scd_unserved_list(ScdUnserved *unserved, GDBusMethodInvocation *invocation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdUnserved, scd_unserved_free)
