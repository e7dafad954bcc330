/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Watches readers and cards, across restarts of the service and of pcscd. It starts the service
 * once at the beginning. If the service exits later, the watch does not start it again, since an
 * administrator may have stopped it; it sends nothing until the service is back.
 *
 * No event is lost or reported twice: the client library has the objects that are present, and
 * reports each later change once.
 */

#include <gio/gio.h>

#include "client.h"
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
    void (*state_changed)(CtlWatchState state, gpointer data); /* after the events that caused it */
    void (*failed)(const char *message, gpointer data);        /* no callback follows */
} CtlWatchEvents;

typedef struct CtlWatch CtlWatch;

/*
 * Requires the main loop. client: one that is not initialized. route and events must outlive the
 * watch.
 */
CtlWatch *ctl_watch_new(SmartcarddClient *client, const CtlRoute *route,
                        const CtlWatchEvents *events, gpointer data);
void ctl_watch_free(CtlWatch *watch);

/* The watch owns the client. */
SmartcarddClient *ctl_watch_get_client(CtlWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlWatch, ctl_watch_free)
