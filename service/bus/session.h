/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Session on the bus: a handle on a reader, owned by one client.
 *
 * Its methods make jobs for the reader's worker, which replies; the main thread
 * keeps what the session belongs to, and ends it when one of those goes: its
 * owner, its reader, or the permission for it.
 */

#include "bus/reader.h"

typedef struct {
    ScdReader *reader;
    const char *card_path;  /* the card it was opened for, which it stays with; NULL: any */
    ScdClient *client;      /* a reference that is taken over */
    gboolean authenticated; /* polkit allowed it after a dialog only */
    gboolean quiet;         /* its owner needs no signal after its own Close */
    ScdJobQueue *handle;    /* connected; taken over */
    GBytes *atr;            /* of that card; NULL: any */
    ScdUserCharge charge;   /* taken over */
} ScdSessionParts;

/* Always succeeds: its path is new. */
ScdSession *scd_session_new(ScdSessions *sessions, const ScdSessionParts *parts);

const char *scd_session_path(const ScdSession *session);

/* Frees the session. The card is left as why asks for. */
void scd_session_end(ScdSession *session, ScdSessionEnd why);

void scd_session_recheck(ScdSession *session);
