/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Authorization of calls and sessions.
 *
 * One table maps each D-Bus method that clients may call to the polkit action it needs;
 * methods of a session that are not listed need none beyond the action that the session was
 * opened with. A refusal names the reader, the action and the remedy.
 *
 * A session, or a one-shot call, keeps the actions it was granted in ScdGrants. All grants are
 * checked again when polkit's rules or the users' sessions change.
 */

#include "bus/audit.h"
#include "bus/authority.h"
#include "bus/reader.h"
#include "pcsc/job.h"

typedef enum {
    SCD_ACTION_NONE,
    SCD_ACTION_CONNECT,
    SCD_ACTION_EXCLUSIVE,
    SCD_ACTION_CONTROL,
    SCD_ACTION_MANAGE,
} ScdAction;

/* Returns the id in data/org.smartcardd1.policy; NULL for SCD_ACTION_NONE. */
const char *scd_action_id(ScdAction action);

/* member: one of the table, such as "Reader.Connect"; arguments: those of the call. */
ScdAction scd_action_for_call(const char *member, GVariant *arguments);

/* Returns the error for a verdict that is SCD_VERDICT_NO or SCD_VERDICT_CHALLENGE. */
GError *scd_action_new_refusal(ScdAction action, ScdVerdict verdict, const char *reader);

typedef struct ScdAuthorization ScdAuthorization;

/* Both must outlive it. Refusals and revocations are written to the audit log. */
ScdAuthorization *scd_authorization_new(GDBusConnection *bus, ScdClients *clients, ScdAudit *audit);

/* Ends the pending checks. All grants must have ended. */
void scd_authorization_free(ScdAuthorization *authorization);

ScdAuthority *scd_authorization_authority(const ScdAuthorization *authorization);

/* The number of times that the rules changed: results of earlier checks may be out of date. */
guint scd_authorization_rules_version(const ScdAuthorization *authorization);

/* Returns the action that the table lists for the call. */
ScdAction scd_authorization_action(GDBusMethodInvocation *invocation);

/*
 * client: the caller, a reference that the function owns; NULL with the error for the caller if
 * it is not authorized, or has left. authenticated: because its user has authenticated.
 */
typedef void (*ScdAuthorizationFunc)(ScdClient *client, gboolean authenticated, const GError *error,
                                     gpointer data);

/*
 * Looks up the caller and checks the action of the call, for the reader in its present state.
 * reader: may be NULL if the action is SCD_ACTION_NONE; it may go once the cancellable is
 * cancelled. Calls func exactly once, possibly before this returns; with SCD_E_CANCELLED after
 * the cancellable was cancelled.
 */
void scd_authorization_check(ScdAuthorization *authorization, GDBusMethodInvocation *invocation,
                             const ScdReader *reader, GCancellable *cancellable,
                             ScdAuthorizationFunc func, gpointer data);

typedef struct ScdGrants ScdGrants;

typedef struct {
    ScdAction (*get_required)(gpointer data);    /* the action without which to revoke all */
    void (*granted)(ScdJob *job, gpointer data); /* takes over the job; NULL: never requested */
    void (*revoked)(gpointer data);              /* has to end the grants */
    gpointer data;
} ScdGrantsOwner;

/* The client and the reader must outlive the grants. */
ScdGrants *scd_grants_new(ScdAuthorization *authorization, ScdClient *client, ScdReader *reader,
                          const ScdGrantsOwner *owner);

/* Ends a job that waits for its check with the PC/SC code. FALSE if the job does not wait here. */
gboolean scd_grants_cancel(ScdGrants *grants, const ScdJob *job, guint32 code);

/* Ends waiting jobs with the PC/SC code and releases the grants. Calls no function of the owner. */
void scd_grants_end(ScdGrants *grants, guint32 code);

/* The user has authenticated for the action, and need not do so again when the rules change. */
void scd_grants_set_authenticated(ScdGrants *grants, ScdAction action);

/* Whether the action was granted to a call since the rules last changed. */
gboolean scd_grants_has(const ScdGrants *grants, ScdAction action);

/*
 * Takes over the job of a call. Calls granted() if the call is authorized, possibly before this
 * returns; otherwise replies with the refusal. Other calls of the session do not wait for it.
 */
void scd_grants_request(ScdGrants *grants, GDBusMethodInvocation *invocation, ScdJob *job);

/* Checks the required action again, and calls revoked() if the client is not authorized. */
void scd_grants_recheck(ScdGrants *grants);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAuthorization, scd_authorization_free)
