/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The service on the bus: owns the PC/SC monitor and every D-Bus object, and connects them.
 */

#include <gio/gio.h>

#include "base/card-list.h"
#include "base/settings.h"
#include "bus/gate.h"

typedef struct ScdService ScdService;

/* All of it must outlive the service. */
typedef struct {
    const ScdCardList *card_list; /* the names of cards by ATR, or NULL */
    ScdSettings *settings;        /* those at the start */
    const char *settings_file;    /* to read them again */
    const char *sysfs;            /* the path of /sys */
    const char *state;  /* folder for the aliases of SetAlias(); NULL: they are not stored */
    guint call_limit_s; /* seconds after which a call of libpcsclite counts as stuck */

    /* The readers are complete, or pcscd does not answer: the bus name may be requested.
     * May be called again. */
    void (*ready)(gpointer data);
    /* The process has to be restarted. why: for the log. */
    void (*stuck)(const char *why, gpointer data);
    gpointer data;
} ScdServiceOptions;

/*
 * Registers the objects on the bus, and starts to watch pcscd. bus: from scd_bus_connect_finish(),
 * with this gate.
 */
ScdService *scd_service_new(GDBusConnection *bus, ScdGate *gate, const ScdServiceOptions *options,
                            GError **error);

/* Reads the settings again, in a thread, and applies those on readers, aliases and logins. */
void scd_service_reload(ScdService *service);

/*
 * Ends the calls that wait for an event, and all sessions, which sends the signal Closed. Does not
 * block. To be called while the bus name is owned, because clients subscribe to signals by that
 * name; the main loop must have ended.
 */
void scd_service_stop(ScdService *service);

/*
 * Does the same, removes all objects from the bus without a signal, resets the cards that need it,
 * and stops all threads. A thread that is stuck in a call of libpcsclite is left running: the
 * process should exit. The gate must be closed, so that this takes a bounded time.
 */
void scd_service_free(ScdService *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdService, scd_service_free)
