/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Session objects on the bus: their state, and their life from Connect to the signal Closed.
 *
 * A session has a connection to a reader (ScdJobQueue) and belongs to one client. It ends when
 * its owner closes it or leaves the bus, when the reader is removed, or when polkit does not
 * authorize it any more. Its methods are in session-methods.c: they make jobs, which
 * a worker carries out and replies to.
 */

#include "base/config.h"
#include "base/limit.h"
#include "bus/audit.h"
#include "bus/grants.h"
#include "bus/job-call.h"
#include "bus/object.h"
#include "bus/options.h"
#include "bus/reader.h"
#include "pcsc/workers.h"

typedef struct ScdSession ScdSession;

/* All sessions, and the parts of the service that they use. */
typedef struct ScdSessions ScdSessions;

/* All of it must outlive the sessions. */
typedef struct {
    GDBusConnection *bus;
    ScdAuthorization *authorization;
    ScdAudit *audit;
    ScdWorkers *workers;
    const ScdConfig *config;
    const ScdInterface *interface; /* its methods receive the ScdSession */
    ScdCallRegistry *registry;
} ScdSessionsParts;

ScdSessions *scd_sessions_new(const ScdSessionsParts *parts);

/* All sessions must have ended. */
void scd_sessions_free(ScdSessions *sessions);

/* changed is called after a session began or ended; NULL: none. */
void scd_sessions_on_change(ScdSessions *sessions, void (*changed)(gpointer data), gpointer data);
guint scd_sessions_count(const ScdSessions *sessions);

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

/* Identifies a session that may end before the key is used. The sessions must outlive it. */
typedef struct {
    ScdSessions *sessions;
    guint64 number;
} ScdSessionKey;

ScdSessionKey scd_session_key(const ScdSession *session);

/* Returns NULL if the session has ended. */
ScdSession *scd_session_find(const ScdSessionKey *key);

/*
 * Returns whether there may have been a session at this path: its number is not above the last one.
 * error: SCD_E_INVALID_HANDLE; for the owner of the session, with the reason for its end.
 */
gboolean scd_sessions_had(const ScdSessions *sessions, const char *path, const char *caller,
                          GError **error);

/* Ends all sessions because the service stops. */
void scd_sessions_end_all(ScdSessions *sessions);

/* Returns a reference to the account of the memory that the client's user takes. */
ScdAccount *scd_sessions_get_account(ScdSessions *sessions, const ScdClient *client);

ScdAuthorization *scd_sessions_authorization(const ScdSessions *sessions);
ScdAudit *scd_sessions_audit(const ScdSessions *sessions);
ScdCallRegistry *scd_sessions_registry(const ScdSessions *sessions);

/* Returns how long a call may wait without the option "timeout-ms". */
guint32 scd_sessions_wait_limit_ms(const ScdSessions *sessions);

/*
 * Returns a connection to the reader, for a session or a one-shot call, and charges the client's
 * user with it. Fails with SCD_LIMITS_EXCEEDED.
 */
ScdJobQueue *scd_sessions_new_queue(ScdSessions *sessions, ScdClient *client, const char *reader,
                                    ScdUserCharge *charge, GError **error);

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

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdSessions, scd_sessions_free)
