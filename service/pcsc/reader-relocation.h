/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Finds out which readers are not where they were any more, though pcscd has not said so: when one
 * goes and another gets its name before anybody looks, nobody is told.
 *
 * The kernel gives a device another address each time it is plugged in. So it is asked, in a
 * thread, whether what is at a reader's port is still the same.
 */

#include "base/identity.h"

typedef struct ScdReaderRelocation ScdReaderRelocation;

/* In the main thread. */
typedef void (*ScdReaderRelocationFunc)(const char *reader, gpointer data);

/* sysfs: where /sys is. */
ScdReaderRelocation *scd_reader_relocation_new(const char *sysfs, ScdReaderRelocationFunc func,
                                               gpointer data);

/* A check that is under way is left behind. */
void scd_reader_relocation_free(ScdReaderRelocation *relocation);

/*
 * Checks all of them, and calls func for each that is not where it was. Does nothing while it does
 * so already. readers: PC/SC name → ScdIdentity or NULL.
 */
void scd_reader_relocation_check(ScdReaderRelocation *relocation, GHashTable *readers);
