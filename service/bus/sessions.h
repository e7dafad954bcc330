/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table of sessions by their numbers, and the parts of the service that they use. It also has
 * the limits for each user on sessions, on job queues from their creation until the worker has
 * freed them, and on the bytes of memory that sessions and one-shot calls take; and it remembers
 * why the latest sessions ended, so that a call on one of them gets the reason.
 */

#include "base/config.h"
#include "base/limit.h"
#include "bus/audit.h"
#include "bus/authorization.h"
#include "bus/object.h"
#include "bus/options.h"
#include "pcsc/workers.h"

/* Bytes that a session or a one-shot call takes: its objects, and its queue until that is freed. */
#define SCD_SESSION_COST 8192

#define SCD_SESSIONS_PATH SCD_ROOT_PATH "/sessions/"

/* One of them: bus/session.h. */
typedef struct ScdSession ScdSession;

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

/* The sessions by their numbers, guint64 → ScdSession. */
GHashTable *scd_sessions_table(const ScdSessions *sessions);

/* Adds a session. Returns its number, which no other one has had. */
guint64 scd_sessions_add(ScdSessions *sessions, ScdSession *session);

/* Removes a session that ends. owner: its unique name. reason: a text that is never freed. */
void scd_sessions_remove(ScdSessions *sessions, guint64 number, const char *owner,
                         const char *reason);

/* Identifies a session that may end before the key is used. The sessions must outlive it. */
typedef struct {
    ScdSessions *sessions;
    guint64 number;
} ScdSessionKey;

/* Returns NULL if the session has ended. */
ScdSession *scd_session_find(const ScdSessionKey *key);

/*
 * Returns whether there may have been a session at this path: its number is not above the last one.
 * error: SCD_E_INVALID_HANDLE; for the owner of the session, with the reason for its end.
 */
gboolean scd_sessions_had(const ScdSessions *sessions, const char *path, const char *caller,
                          GError **error);

/* Returns a reference to the account of the memory that the client's user takes. */
ScdAccount *scd_sessions_get_account(ScdSessions *sessions, const ScdClient *client);

const ScdSessionsParts *scd_sessions_parts(const ScdSessions *sessions);
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdSessions, scd_sessions_free)
