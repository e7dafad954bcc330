/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Session objects on the bus: their state, and their life from Connect to the signal Closed.
 *
 * A session has a connection to a reader (ScdJobQueue) and belongs to one client. It ends when its
 * owner closes it or leaves the bus, when the reader is removed, or when polkit does not authorize
 * it any more. Its methods are in session-methods.c: they make jobs, which a worker carries out and
 * replies to.
 */

#include "bus/grants.h"
#include "bus/job-call.h"
#include "bus/reader.h"
#include "bus/sessions.h"

/* Returns the sessions of a user, or all for root (Manager.ListSessions): a floating aa{sv}. */
GVariant *scd_sessions_list(ScdSessions *sessions, guint uid);

/* For the errors of a call of the client. except: the number of its own session; 0: none. */
ScdHolderQuery scd_sessions_holder_query(ScdSessions *sessions, const ScdClient *client,
                                         guint64 except);

/*
 * Closes the session at the path for a user (Manager.CloseSession). Fails with SCD_NOT_OWNER,
 * SCD_E_INVALID_HANDLE if it is closed already, SCD_UNKNOWN_OBJECT if there has been none.
 */
gboolean scd_sessions_close(ScdSessions *sessions, const char *path, guint uid, GError **error);

ScdSessionKey scd_session_key(const ScdSession *session);

/* Ends all sessions because the service stops. */
void scd_sessions_end_all(ScdSessions *sessions);

typedef struct {
    ScdReader *reader;
    const char *card_path; /* the card in the reader, or "/" */
    ScdClient *client;     /* the owner; a reference that is taken over */
    ScdGrants *grants;     /* of the client, for the queue; taken over */
    gboolean quiet;        /* no signal Closed after the owner's own Close */
    ScdJobQueue *queue;    /* connected; taken over */
    GBytes *atr;           /* the session is for this card only; NULL: for any card */
    ScdUserCharge charge;  /* taken over */
} ScdSessionParts;

/* Cannot fail: its path is not in use. */
ScdSession *scd_session_new(ScdSessions *sessions, const ScdSessionParts *parts);

/* Frees the session: its owner called Close. disconnect: its last job, taken over. */
void scd_session_close(ScdSession *session, ScdJob *disconnect);

const char *scd_session_path(const ScdSession *session);
const ScdReader *scd_session_reader(const ScdSession *session);
ScdJobQueue *scd_session_queue(const ScdSession *session);
ScdSessions *scd_session_sessions(const ScdSession *session);
guint64 scd_session_number(const ScdSession *session);
const ScdClient *scd_session_client(const ScdSession *session);
ScdGrants *scd_session_grants(const ScdSession *session);
ScdQuota *scd_session_quota(const ScdSession *session);

/* Returns whether the card of the session was removed; FALSE if the session is for any card. */
gboolean scd_session_has_lost_card(const ScdSession *session);

/* Sends a signal to the owner. arguments: a floating tuple, or NULL. */
void scd_session_emit(const ScdSession *session, const char *signal, GVariant *arguments);

/*
 * To be called when the share mode may have changed, and the rules for it while the job was queued.
 * to_card: the session was reconnected to the card that is in the reader.
 */
void scd_session_set_reconnected(ScdSession *session, gboolean to_card);

/* Sets the properties that change without a signal: the refresh() of the interface. */
void scd_session_refresh_properties(gpointer session);
