/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Watches PC/SC in a thread and a context of its own, and hands what it sees to
 * the main thread, one immutable snapshot after the other, in order. pcscd may
 * be away at the start, die and come back as it likes.
 *
 * The thread sleeps in SCardGetStatusChange, or, while there is no pcscd, until
 * pcscd's socket changes. Another one only ends its wait before time, for a look
 * and for the end.
 */

#include <glib.h>

#include "pcsc/snapshot.h"

typedef struct ScdMonitor ScdMonitor;

typedef struct {
    void (*changed)(ScdSnapshot *snapshot, gpointer data);
    /* pcscd was asked for all its readers: some may be others under the same names. */
    void (*readers_enumerated)(gpointer data);
    /* After what scd_monitor_refresh() brought. */
    void (*refreshed)(gpointer data);
    /* The monitor cannot go on in this process: a call does not return, or libpcsclite lost its
     * memory of pcscd's readers. Only a new process is free of it. */
    void (*stuck)(const char *why, gpointer data);
} ScdMonitorEvents;

/*
 * The first snapshot follows as soon as pcscd has answered or is known to be
 * away. call_limit_s: how long a call that should return at once may take, in
 * seconds, before the monitor counts as stuck.
 */
ScdMonitor *scd_monitor_new(const ScdMonitorEvents *events, gpointer data, guint call_limit_s,
                            GError **error);

/*
 * Looks at all readers now, for what PC/SC announces to nobody. Not before the
 * last look has been told.
 */
void scd_monitor_refresh(ScdMonitor *monitor);

/*
 * Ends the thread and frees the monitor. FALSE when the thread is caught in a
 * call that does not return: then both are left as they are, and the process
 * should end.
 */
gboolean scd_monitor_free(ScdMonitor *monitor);
