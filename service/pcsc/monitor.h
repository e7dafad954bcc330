/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Watches PC/SC in a thread and a context of its own, and passes immutable snapshots to the main
 * thread, in order. pcscd may be absent at the start, and may end and restart at any time.
 *
 * The thread sleeps in SCardGetStatusChange or, while pcscd is absent, until pcscd's socket
 * changes. A second thread ends that wait for a refresh and for the shutdown.
 */

#include <glib.h>

#include "pcsc/snapshot.h"

typedef struct ScdMonitor ScdMonitor;

/* All are called in the main thread. */
typedef struct {
    void (*changed)(ScdSnapshot *snapshot, gpointer data);
    /* The list of readers was read from pcscd: a name in it may now belong to another reader. */
    void (*readers_enumerated)(gpointer data);
    /* The snapshots that scd_monitor_refresh() caused have been passed. */
    void (*refreshed)(gpointer data);
    /*
     * The monitor cannot continue in this process: a call does not return, or libpcsclite has lost
     * its table of readers. Only a new process can recover.
     */
    void (*stuck)(const char *why, gpointer data);
} ScdMonitorEvents;

/*
 * The first snapshot follows as soon as pcscd has answered or is known to be absent. call_limit_s:
 * the time limit, in seconds, for a call that should return at once. If pcscd does not answer on
 * another connection either, it counts as absent until the call returns; else the monitor is stuck.
 * Fails if there is no file descriptor or thread left.
 */
ScdMonitor *scd_monitor_new(const ScdMonitorEvents *events, gpointer data, guint call_limit_s,
                            GError **error);

/*
 * Reads the state of all readers now, for changes that PC/SC does not announce. To be called again
 * only after refreshed().
 */
void scd_monitor_refresh(ScdMonitor *monitor);

/*
 * Ends the thread and frees the monitor; blocks for at most 3 seconds. Returns FALSE if the thread
 * is in a call that does not return: then both remain, and the process should exit.
 */
gboolean scd_monitor_free(ScdMonitor *monitor);
