/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Waits for pcscd's socket to appear or to be made anew, by inotify. pcscd can
 * be reached through nothing but its socket, so while that does not change no
 * further try is worth making. To be had only while pcscd is away: a watch on
 * /run wakes up for others' files.
 */

#include <glib.h>

typedef struct ScdSocketWatch ScdSocketWatch;

/* Where libpcsclite looks for pcscd. */
const char *scd_socket_path(void);

/* NULL when there is no inotify to be had (a limit of the user's). */
ScdSocketWatch *scd_socket_watch_new(const char *path);
void scd_socket_watch_free(ScdSocketWatch *watch);

/*
 * Blocks until the socket changed in some way since the last wait, or since the
 * watch was made: TRUE; or until wake_fd is readable, or the time is over
 * (milliseconds, -1 for never): FALSE. A watch of NULL sees no changes.
 */
gboolean scd_socket_watch_wait(ScdSocketWatch *watch, int wake_fd, int timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdSocketWatch, scd_socket_watch_free)
