/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The settings of the lock service: see smartcardd-lock(8). */

#include "presence.h"

typedef enum {
    LGN_ACTION_NONE,
    LGN_ACTION_LOCK,
    LGN_ACTION_LOG_OUT,
} LgnAction;

/*
 * Reads /etc/smartcardd/lock.conf, or the file in its place; it need not exist. A wrong value is
 * logged and has no effect.
 */
typedef struct {
    LgnAction action;
    LgnGrace grace;
} LgnLockSettings;

LgnLockSettings lgn_lock_settings_load(const char *path);

/*
 * Returns the action at this moment: GNOME's setting removal-action if its schema is installed,
 * else that of the file.
 */
LgnAction lgn_lock_settings_action(const LgnLockSettings *settings);
