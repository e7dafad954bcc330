/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads the settings again while the service runs, in a thread. If one of the files cannot be read,
 * the present settings stay: otherwise a reader that they ignore would appear.
 */

#include <gio/gio.h>

#include "base/settings.h"

typedef struct ScdReload ScdReload;

/* apply: called in the main thread with the new settings. file: must outlive it. */
ScdReload *scd_reload_new(const char *file, void (*apply)(ScdSettings *settings, gpointer data),
                          gpointer data);

/* Ends pending calls with SCD_P_SHUTDOWN. */
void scd_reload_free(ScdReload *reload);

/*
 * Reads the settings: once for all calls that arrive before it begins. invocation: a call that it
 * takes and replies to when they are applied; NULL: none.
 */
void scd_reload_start(ScdReload *reload, GDBusMethodInvocation *invocation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReload, scd_reload_free)
