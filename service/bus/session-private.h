/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What session.c, a session's life, and session-methods.c, what its owner may
 * have it do, share.
 */

#include "bus/grants.h"
#include "bus/job-timeout.h"
#include "bus/object.h"
#include "bus/quota.h"
#include "bus/session.h"

struct ScdSession {
    ScdSessions *sessions;
    guint64 number;
    ScdReader *reader;
    ScdReaderWatch watch;
    char *card_path; /* NULL when there was no card */
    GBytes *atr;     /* of the only card it is for; NULL: for any */
    gboolean card_left;
    gboolean quiet;
    ScdClient *client;
    guint leave;
    ScdJobQueue *handle;
    ScdJobTimeouts *timeouts;
    ScdUserCharge charge;
    ScdQuota *quota;
    ScdObject *object;
    ScdGrants *grants;
};

/* The interface on the bus; the owner of the object is the session. */
extern const ScdInterface scd_session_methods;

/* Whether the card for which alone the session was opened has gone. */
gboolean scd_session_has_lost_card(const ScdSession *session);

/* Frees the session. disconnect: the job that says what becomes of the card. */
void scd_session_end_with(ScdSession *session, ScdSessionEnd why, ScdJob *disconnect);
