/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The actions that a client was granted for a session, a call of Connect, or a one-shot call.
 *
 * A grant is for the reader, its port, serial number and alias, the card object and its ATR. It is
 * checked again when one of them changes, and when polkit's rules or the users' sessions change;
 * until the verdict, the job queue is held, so that no command reaches the card. Only a removal of
 * the card is followed by no check until the next card. A check that fails without a verdict
 * revokes nothing, and is repeated. Root is exempt.
 */

#include "bus/authorization.h"
#include "pcsc/job-queue.h"

typedef struct ScdGrants ScdGrants;

typedef struct {
    ScdAction (*get_required)(gpointer data);    /* all is revoked if this is not granted */
    void (*granted)(ScdJob *job, gpointer data); /* takes over the job; NULL: never requested */
    void (*revoked)(gpointer data);              /* has to end the grants */
    void (*settled)(gpointer data);              /* a recheck has ended; may be NULL */
    gpointer data;
} ScdGrantsOwner;

/*
 * To be called when scd_authorization_check() has authorized the client for the reader in its
 * present state. Client, reader and queue must outlive the grants.
 */
ScdGrants *scd_grants_new(ScdAuthorization *authorization, ScdClient *client, ScdReader *reader,
                          ScdJobQueue *queue, const ScdGrantsOwner *owner);

/* Replaces the owner, when a call of Connect hands the grants to the session that it opened. */
void scd_grants_set_owner(ScdGrants *grants, const ScdGrantsOwner *owner);

/* Returns whether the authorization is being checked again, and the queue is held. */
gboolean scd_grants_is_pending(const ScdGrants *grants);

/* Ends a job that waits for its check with the PC/SC code. Returns FALSE if the job does not wait.
 */
gboolean scd_grants_cancel(ScdGrants *grants, const ScdJob *job, guint32 code);

/* Ends waiting jobs with the PC/SC code and releases the grants. Calls no function of the owner. */
void scd_grants_end(ScdGrants *grants, guint32 code);

/* Notes that the user has authenticated for the action, which a recheck then does not require. */
void scd_grants_set_authenticated(ScdGrants *grants, ScdAction action);

/* Returns whether the action was granted to a call since rules and subject have last changed. */
gboolean scd_grants_has(const ScdGrants *grants, ScdAction action);

/*
 * Takes over the job of a call, whose check may take until the given time (monotonic,
 * microseconds, or SCD_JOB_NO_LIMIT). Calls granted() if the call is authorized, possibly before
 * this returns; otherwise replies with the refusal. Other calls of the session do not wait for it.
 */
void scd_grants_request(ScdGrants *grants, GDBusMethodInvocation *invocation, ScdJob *job,
                        gint64 until);

/*
 * Checks the required action again, and calls revoked() if the client is not authorized. At most
 * one check is under way; if there is one, another follows it.
 */
void scd_grants_recheck(ScdGrants *grants);
