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
    SCD_WATCH_STARTING,
    SCD_WATCH_NO_SERVICE,
    SCD_WATCH_NO_PCSCD,
    SCD_WATCH_NO_READERS,
    SCD_WATCH_READY,
} ScdWatchState;

typedef struct {
    void (*happened)(const ScdEvent *event, gpointer data);
    void (*state_changed)(ScdWatchState state, gpointer data); /* after the events that led to it */
    void (*failed)(const char *why, gpointer data);            /* the last call */
} ScdWatchEvents;

typedef struct ScdWatch ScdWatch;

/* Needs the main loop; events is static. */
ScdWatch *scd_watch_new(GDBusConnection *bus, const ScdWatchEvents *events, gpointer data);
void scd_watch_free(ScdWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdWatch, scd_watch_free)
