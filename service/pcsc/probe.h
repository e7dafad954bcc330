/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Probes identify the device of a reader, once, when the reader appears. A probe queries the driver
 * through a direct connection of its own, which neither powers nor resets the card and is released
 * at once, and then the kernel and udev.
 *
 * That connection fails while another program uses the reader exclusively, and may block during a
 * transaction or in the driver. Each probe therefore has its own thread and a time limit. When the
 * limit is reached, the kernel alone is queried; the late result of the driver is reported as well.
 *
 * A probe for which the process has no descriptors or threads left is repeated until it has some.
 */

#include "base/identity.h"

/* Probes that query drivers at the same time: each is a program for pcscd, as each worker is. */
#define SCD_DRIVER_PROBES_MAX 16

typedef struct ScdProbes ScdProbes;

/*
 * Called in the main thread; takes the identity. If the identity is not complete, a better one may
 * follow.
 */
typedef void (*ScdProbeFunc)(const char *reader, ScdIdentity *identity, gpointer data);

/* sysfs: the path of /sys. */
ScdProbes *scd_probes_new(const char *sysfs, ScdProbeFunc func, gpointer data);

/* Abandons probes that are blocked in libpcsclite. */
void scd_probes_free(ScdProbes *probes);

/*
 * reader: its PC/SC name. While a probe of that name is running, late or not, a new one begins only
 * after it, and if its identity is not complete: the driver may have been in use until just now.
 */
void scd_probes_start(ScdProbes *probes, const char *reader);

/* The reader was removed: drops results, which would be reported for the next reader of that name.
 */
void scd_probes_forget(ScdProbes *probes, const char *reader);

/*
 * The relocation check finds readers that are no longer where they were, although pcscd has not
 * announced it: a reader was removed and another one got its name in between.
 *
 * The kernel assigns a new address to a device each time it is plugged in. The check compares, in a
 * thread, the address of the device at each reader's port with that of the reader.
 */
typedef struct ScdReaderRelocation ScdReaderRelocation;

/* Called in the main thread. */
typedef void (*ScdReaderRelocationFunc)(const char *reader, gpointer data);

/*
 * sysfs: the path of /sys. readers: those to check, PC/SC name → ScdIdentity or NULL; must outlive
 * the relocation. func: called for each reader that has moved.
 */
ScdReaderRelocation *scd_reader_relocation_new(const char *sysfs, GHashTable *readers,
                                               ScdReaderRelocationFunc func, gpointer data);

/* Abandons a running check. */
void scd_reader_relocation_free(ScdReaderRelocation *relocation);

/* Checks all readers soon. */
void scd_reader_relocation_check(ScdReaderRelocation *relocation);
