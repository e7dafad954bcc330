/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A limit for calls that cannot be cancelled. The thread that makes the call
 * sets the deadline and clears it; the main loop hears of it only when it
 * passed. That takes no lock, no message, and no wake-up while all is well.
 */

#include <glib.h>

typedef struct ScdDeadline ScdDeadline;

/* passed is called in the default main context. NULL and errno when there is no timer. */
ScdDeadline *scd_deadline_new(GSourceOnceFunc passed, gpointer data);
void scd_deadline_free(ScdDeadline *deadline);

/* From any thread. */
void scd_deadline_set(ScdDeadline *deadline, guint milliseconds);
void scd_deadline_clear(ScdDeadline *deadline);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdDeadline, scd_deadline_free)
