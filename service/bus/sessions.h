/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All sessions there are, and what they are made with.
 */

#include "base/config.h"
#include "base/limit.h"
#include "bus/authority.h"
#include "pcsc/workers.h"

typedef struct ScdAdmission ScdAdmission;
typedef struct ScdAudit ScdAudit;
typedef struct ScdReader ScdReader;
typedef struct ScdSession ScdSession;
typedef struct ScdSessions ScdSessions;

/* Why a session ended: the argument of its signal Closed. */
typedef enum {
    SCD_SESSION_CLOSED,
    SCD_SESSION_READER_REMOVED,
    SCD_SESSION_SERVICE_UNAVAILABLE,
    SCD_SESSION_REVOKED,
    SCD_SESSION_OWNER_LEFT, /* nobody is there to be told */
} ScdSessionEnd;

/* All of them must live longer. */
ScdSessions *scd_sessions_new(GDBusConnection *bus, const ScdAdmission *admission,
                              ScdWorkers *workers, const ScdConfig *config);

void scd_sessions_free(ScdSessions *sessions);

/* Called whenever there is one more, or one less. */
void scd_sessions_on_change(ScdSessions *sessions, void (*changed)(gpointer data), gpointer data);
guint scd_sessions_count(const ScdSessions *sessions);

/* The cards are reset. */
void scd_sessions_end_all(ScdSessions *sessions);

/* polkit's rules or users' sessions changed: each session must be allowed anew, or is revoked. */
void scd_sessions_recheck(ScdSessions *sessions);

/* For what is like a session, and holds what was allowed: hears of those changes too. */
typedef struct {
    void (*changed)(gpointer data);
    gpointer data;
} ScdRulesWatch;

/* The watch is kept where it is until it is taken away. */
void scd_sessions_watch_rules(ScdSessions *sessions, ScdRulesWatch *watch);
void scd_sessions_unwatch_rules(ScdSessions *sessions, ScdRulesWatch *watch);

/* Counts those changes: what was allowed before the last one may not be any more. */
guint scd_sessions_rules(const ScdSessions *sessions);

GDBusConnection *scd_sessions_bus(const ScdSessions *sessions);
const ScdAdmission *scd_sessions_admission(const ScdSessions *sessions);
ScdAudit *scd_sessions_audit(const ScdSessions *sessions);
ScdWorkers *scd_sessions_workers(const ScdSessions *sessions);

const ScdConfig *scd_sessions_config(const ScdSessions *sessions);

/* A handle on a reader, for a session or what is like one; charged to the client's user. */
ScdJobQueue *scd_sessions_new_queue(ScdSessions *sessions, ScdClient *client, const char *reader,
                                    ScdUserCharge *charge, GError **error);

/* For the sessions themselves. */
guint64 scd_sessions_add(ScdSessions *sessions, ScdSession *session);
void scd_sessions_remove(ScdSessions *sessions, guint64 number);

/* NULL when it has ended. */
ScdSession *scd_sessions_find(ScdSessions *sessions, guint64 number);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdSessions, scd_sessions_free)
