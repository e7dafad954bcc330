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

typedef struct ScdWhereabouts ScdWhereabouts;

/* In the main thread. */
typedef void (*ScdWhereaboutsFunc)(const char *reader, gpointer data);

/* sysfs: where /sys is. */
ScdWhereabouts *scd_whereabouts_new(const char *sysfs, ScdWhereaboutsFunc func, gpointer data);

/* A check that is under way is left behind. */
void scd_whereabouts_free(ScdWhereabouts *whereabouts);

/*
 * Checks all of them, and calls func for each that is not where it was. Does nothing while it does
 * so already. readers: PC/SC name → ScdIdentity or NULL.
 */
void scd_whereabouts_check(ScdWhereabouts *whereabouts, GHashTable *readers);
