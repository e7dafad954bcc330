/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between the monitor and the readers on the bus: identifies the device of each new reader, and
 * passes snapshots on with the identified readers only, without those that the settings ignore. A
 * reader's object path is derived from its device, so a reader is not added to the bus before.
 *
 * The first snapshot after pcscd has started is passed on as a whole, when the devices of all
 * readers are identified or their drivers did not answer within a second. A reader whose driver
 * did not answer is passed on with the identity from sysfs, and identified again at its next event.
 */

#include "base/identity.h"
#include "base/settings.h"
#include "pcsc/snapshot.h"

typedef struct ScdReaderTracker ScdReaderTracker;

typedef struct {
    /* A snapshot with identified readers only. */
    void (*identified)(ScdSnapshot *snapshot, gpointer data);
    /* A reader that was passed on, or will be soon, is identified better. */
    void (*identified_better)(const char *reader, const ScdIdentity *identity, gpointer data);
    /* A probe of the reader has ended, with or without an answer of its driver. */
    void (*probed)(const char *reader, gpointer data);
} ScdReaderTrackerEvents;

/* sysfs: the path of /sys. settings: the present ones. */
ScdReaderTracker *scd_reader_tracker_new(const char *sysfs, ScdSettings *const *settings,
                                         const ScdReaderTrackerEvents *events, gpointer data);
void scd_reader_tracker_free(ScdReaderTracker *tracker);

/* Processes a snapshot of the monitor. */
void scd_reader_tracker_apply_snapshot(ScdReaderTracker *tracker, ScdSnapshot *snapshot);

/*
 * Checks soon whether a name now belongs to a reader at another USB port. Such a reader is removed
 * and added again, at the path of its port.
 */
void scd_reader_tracker_check(ScdReaderTracker *tracker);

/* To be called when the settings have changed: they may ignore other readers than before. */
void scd_reader_tracker_apply_settings(ScdReaderTracker *tracker);

/* Probes a reader that has been identified again, unless a probe of it is running. */
void scd_reader_tracker_identify(ScdReaderTracker *tracker, const char *reader);

/* Calls func for each reader of pcscd: identity is NULL while it is not identified. */
void scd_reader_tracker_foreach(const ScdReaderTracker *tracker,
                                void (*func)(const ScdIdentity *identity, gpointer data),
                                gpointer data);

/* reader: one of a snapshot that was passed on. Valid until the next snapshot or event. */
const ScdIdentity *scd_reader_tracker_get_identity(const ScdReaderTracker *tracker,
                                                   const char *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaderTracker, scd_reader_tracker_free)
