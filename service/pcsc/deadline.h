/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A time limit for calls that cannot be cancelled. The thread that makes the call sets the deadline
 * and clears it; the main loop is notified only if the deadline passes. Setting and clearing take
 * no lock, send no message and cause no wake-up.
 */

#include <glib.h>

typedef struct ScdDeadline ScdDeadline;

/* passed is called in the default main context. Returns NULL and sets errno if timerfd fails. */
ScdDeadline *scd_deadline_new(GSourceOnceFunc passed, gpointer data);
void scd_deadline_free(ScdDeadline *deadline);

/* From any thread. */
void scd_deadline_set(ScdDeadline *deadline, guint milliseconds);
void scd_deadline_clear(ScdDeadline *deadline);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdDeadline, scd_deadline_free)
