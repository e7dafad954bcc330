/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between the monitor, which sees that there is a reader, and the tree, which shows it: holds each
 * reader back until it is known which device it is, for its object path is made of that.
 *
 * The first snapshot of a pcscd is held back as a whole, so that all readers of before come at
 * once: when each is identified or its driver has been given up, which takes a second. A reader
 * whose driver could not be asked is shown by what is known of it, and asked again at its next
 * event.
 */

#include "base/identity.h"
#include "pcsc/snapshot.h"

typedef struct ScdReaderTracker ScdReaderTracker;

typedef struct {
    /* What can be shown now. */
    void (*identified)(ScdSnapshot *snapshot, gpointer data);
    /* More is known of a reader than when it was shown, or was to be. */
    void (*learnt)(const char *reader, const ScdIdentity *identity, gpointer data);
} ScdReaderTrackerEvents;

/* sysfs: where /sys is. */
ScdReaderTracker *scd_reader_tracker_new(const char *sysfs, const ScdReaderTrackerEvents *events,
                                         gpointer data);
void scd_reader_tracker_free(ScdReaderTracker *tracker);

/* What the monitor sees. */
void scd_reader_tracker_apply_snapshot(ScdReaderTracker *tracker, ScdSnapshot *snapshot);

/*
 * Some readers may be others under the same names: looks at all of them soon, and shows those anew,
 * at their own paths, as if one had gone and another come.
 */
void scd_reader_tracker_check(ScdReaderTracker *tracker);

/* Of a reader in a snapshot that could be shown; valid until the next snapshot or event. */
const ScdIdentity *scd_reader_tracker_get_identity(const ScdReaderTracker *tracker,
                                                   const char *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaderTracker, scd_reader_tracker_free)
