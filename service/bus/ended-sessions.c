/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/ended-sessions.h"

#define SESSIONS_MAX 256

typedef struct {
    guint64 number; /* 0: none */
    const char *reason;
    char *owner;
} EndedSession;

struct ScdEndedSessions {
    EndedSession ring[SESSIONS_MAX];
    guint count; /* of all that were ever added */
};

ScdEndedSessions *
scd_ended_sessions_new(void)
{
    return g_new0(ScdEndedSessions, 1);
}

void
scd_ended_sessions_free(ScdEndedSessions *ended)
{
    for (guint i = 0; i < SESSIONS_MAX; i++)
        g_free(ended->ring[i].owner);
    g_free(ended);
}

void
scd_ended_sessions_add(ScdEndedSessions *ended, guint64 number, const char *owner,
                       const char *reason)
{
    EndedSession *session = &ended->ring[ended->count++ % SESSIONS_MAX];

    g_free(session->owner);
    *session = (EndedSession){number, reason, g_strdup(owner)};
}

const char *
scd_ended_sessions_find(const ScdEndedSessions *ended, guint64 number, const char *owner)
{
    for (guint i = 0; i < SESSIONS_MAX; i++) {
        const EndedSession *session = &ended->ring[i];
        if (session->number == number && g_strcmp0(session->owner, owner) == 0)
            return session->reason;
    }
    return NULL;
}
