/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The latest sessions that have ended, so that a call on one of them gets the reason. The table of
 * sessions owns it.
 */

#include <glib.h>

typedef struct ScdEndedSessions ScdEndedSessions;

ScdEndedSessions *scd_ended_sessions_new(void);
void scd_ended_sessions_free(ScdEndedSessions *ended);

/* owner: a unique name, or NULL. reason: a text that is never freed. Forgets the oldest session. */
void scd_ended_sessions_add(ScdEndedSessions *ended, guint64 number, const char *owner,
                            const char *reason);

/* Returns why the session of the owner ended; NULL if it is not known. */
const char *scd_ended_sessions_find(const ScdEndedSessions *ended, guint64 number,
                                    const char *owner);
