/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The level and the target of the log, as words of systemd's org.freedesktop.LogControl1. Both may
 * be changed at any time; messages may come from any thread.
 */

#include <glib.h>

/*
 * Installs the log writer; to be called once, before the first message. The level is "info", or
 * "debug" if G_MESSAGES_DEBUG is set. The target is "auto": the journal if stderr is connected to
 * it, else stderr.
 */
void scd_log_start(void);

/* Returns "emerg", "alert", "crit", "err", "warning", "notice", "info" or "debug". */
const char *scd_log_level(void);

/* Returns FALSE for any other word. */
gboolean scd_log_set_level(const char *word);

/* Returns "auto", "journal", "console" or "null". */
const char *scd_log_target(void);

/* Returns FALSE for any other word. */
gboolean scd_log_set_target(const char *word);
