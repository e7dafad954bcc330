/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Follows the service for as long as one likes, through its restarts and
 * pcscd's. It is started once, at the beginning; when it goes later, that is
 * somebody's will, and nothing is sent to it until it is back.
 *
 * There is no gap and no double: the signals are subscribed to before the tree
 * is asked for, and as signals and answers of the service arrive in their
 * order, what comes before the answer is in it, and what comes after is not.
 */

#include <gio/gio.h>

#include "event.h"

typedef enum {
    CTL_WATCH_STARTING,
    CTL_WATCH_NO_SERVICE,
    CTL_WATCH_NO_PCSCD,
    CTL_WATCH_NO_READERS,
    CTL_WATCH_READY,
} CtlWatchState;

typedef struct {
    void (*happened)(const CtlEvent *event, gpointer data);
    void (*state_changed)(CtlWatchState state, gpointer data); /* after the events that led to it */
    void (*failed)(const char *why, gpointer data);            /* the last call */
} CtlWatchEvents;

typedef struct CtlWatch CtlWatch;

/* Needs the main loop; events is static. */
CtlWatch *ctl_watch_new(GDBusConnection *bus, const CtlWatchEvents *events, gpointer data);
void ctl_watch_free(CtlWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlWatch, ctl_watch_free)
