/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What of the log is written, and where to: in the words of systemd's
 * org.freedesktop.LogControl1. May be changed at any time; messages come from
 * all threads.
 */

#include <glib.h>

/*
 * To be called once, before the first message. Written are the levels down to
 * "info"; down to "debug" where G_MESSAGES_DEBUG is set. The target is "auto":
 * the journal where that is what stderr is connected to, else stderr.
 */
void scd_log_start(void);

/* "emerg", "alert", "crit", "err", "warning", "notice", "info" or "debug". */
const char *scd_log_level(void);

/* FALSE for another word. */
gboolean scd_log_set_level(const char *word);

/* "auto", "journal", "console" or "null". */
const char *scd_log_target(void);

/* FALSE for another word. */
gboolean scd_log_set_target(const char *word);
