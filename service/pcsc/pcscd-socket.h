/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The socket of pcscd: the wait for it to appear, and a check, without libpcsclite, whether pcscd
 * answers on it.
 */

#include <glib.h>

/* Returns the path of the socket that libpcsclite uses. */
const char *scd_socket_path(void);

/*
 * Waits, by inotify, for pcscd's socket to appear or to be created anew. pcscd can be reached only
 * through its socket, so no attempt to connect can succeed while the socket does not change. To be
 * used only while pcscd is absent: a watch on /run causes a wake-up for the files of other
 * programs.
 */
typedef struct ScdSocketWatch ScdSocketWatch;

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

/*
 * Returns whether pcscd serves new connections: it does not while it stops its readers before it
 * ends, and it removes readers from its list then. Blocks for at most 2 seconds. A pcscd that ends
 * the connection, as it does when it has as many as it can serve, counts as serving, as does one
 * that cannot be asked.
 */
gboolean scd_pcscd_is_serving(void);

/*
 * Checks, while a call of libpcsclite does not return, whether pcscd is slow or the library hangs.
 * A thread queries pcscd on a connection of its own, without the library, again and again until the
 * call has returned or pcscd has answered twice.
 */

/* Both are called in the main thread. */
typedef struct {
    /* After each query. Returns whether the call still has not returned: if not, the check ends. */
    gboolean (*queried)(guint call, gboolean silent, gpointer data);
    /* pcscd answers, and the call has not returned for some time since: the check has ended. */
    void (*library_hangs)(gpointer data);
} ScdPcscdCheckFuncs;

/*
 * call: passed to queried(). data: a reference from g_atomic_rc_box_acquire(); taken over.
 * limit_ms: that of a call; a query, and the pause after it, take as long or 5 s.
 */
void scd_pcscd_check_start(const ScdPcscdCheckFuncs *funcs, gpointer data, guint call,
                           guint limit_ms);
