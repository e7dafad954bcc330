/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Waits, by inotify, for pcscd's socket to appear or to be created anew. pcscd can be reached only
 * through its socket, so no attempt to connect can succeed while the socket does not change. To be
 * used only while pcscd is absent: a watch on /run causes a wake-up for the files of other
 * programs.
 */

#include <glib.h>

typedef struct ScdSocketWatch ScdSocketWatch;

/* Returns the path of the socket that libpcsclite uses. */
const char *scd_socket_path(void);

/* Returns NULL if the user's limit of inotify instances is reached. */
ScdSocketWatch *scd_socket_watch_new(const char *path);
void scd_socket_watch_free(ScdSocketWatch *watch);

/*
 * Blocks until the socket has changed since the last wait, or since the watch was created, and
 * returns TRUE; or until wake_fd is readable or the time-out (milliseconds, -1 for none) expires,
 * and returns FALSE. watch may be NULL: it detects no changes.
 */
gboolean scd_socket_watch_wait(ScdSocketWatch *watch, int wake_fd, int timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdSocketWatch, scd_socket_watch_free)
