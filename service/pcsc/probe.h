/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Finds out which device a reader is, once, when the reader comes: asks its driver, over a direct
 * connection of its own, which neither powers nor resets the card and is given up at once; then the
 * kernel and udev.
 *
 * Another program's exclusive use refuses that connection, its transaction holds it up, and so may
 * the driver. So a probe has a thread of its own, and only so much time: when that is over the
 * kernel alone is asked, and an answer that is late is told all the same.
 */

#include "base/identity.h"

typedef struct ScdProbes ScdProbes;

/* In the main thread; the identity is taken over. After one that is not complete another may come.
 */
typedef void (*ScdProbeFunc)(const char *reader, ScdIdentity *identity, gpointer data);

/* sysfs: where /sys is. */
ScdProbes *scd_probes_new(const char *sysfs, ScdProbeFunc func, gpointer data);

/* Probes that are caught in libpcsclite are left behind. */
void scd_probes_free(ScdProbes *probes);

/* reader: its PC/SC name. Does nothing while a probe of it is under way, late or not. */
void scd_probes_start(ScdProbes *probes, const char *reader);

/* The reader has gone, and what is still found out is not about the next one of that name. */
void scd_probes_forget(ScdProbes *probes, const char *reader);
