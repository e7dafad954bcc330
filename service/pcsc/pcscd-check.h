/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Checks, while a call of libpcsclite does not return, whether pcscd is slow or the library hangs.
 * A thread queries pcscd on a connection of its own, without the library, again and again until the
 * call has returned or pcscd has answered twice.
 */

#include <glib.h>

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
