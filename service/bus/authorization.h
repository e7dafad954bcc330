/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Authorization of calls and sessions.
 *
 * One table maps each D-Bus method that clients may call to the polkit action it needs;
 * methods of a session that are not listed need none beyond the action that the session was
 * opened with. A refusal names the reader, the action and the remedy.
 *
 * While the identity of the reader is not complete, a check waits for a new probe of the reader,
 * for 1.5 seconds at most. The check of a control code always does, because the driver may have
 * changed its list of features; but there is no probe for callers who may not use the reader at
 * all.
 */

#include "base/words.h"
#include "bus/audit.h"
#include "bus/authority.h"
#include "bus/reader.h"

typedef enum {
    SCD_ACTION_NONE,
    SCD_ACTION_CONNECT,
    SCD_ACTION_EXCLUSIVE,
    SCD_ACTION_CONTROL,
    SCD_ACTION_MANAGE,
} ScdAction;

/* Returns the id in data/org.smartcardd1.policy; NULL for SCD_ACTION_NONE. */
const char *scd_action_id(ScdAction action);

/*
 * member: one of the table, such as "Reader.Connect"; arguments: those of the call; features: the
 * list of the reader's driver (feature.h), for a control code.
 */
ScdAction scd_action_for_call(const char *member, GVariant *arguments, GBytes *features);

/* Returns the action that a connection in this mode needs. */
ScdAction scd_action_for_share_mode(ScdShareMode share_mode);

/* Returns the error for a verdict that is SCD_VERDICT_NO or SCD_VERDICT_CHALLENGE. */
GError *scd_action_new_refusal(ScdAction action, ScdVerdict verdict, const char *reader);

typedef struct ScdAuthorization ScdAuthorization;

/* Both must outlive it. Refusals and revocations are written to the audit log. */
ScdAuthorization *scd_authorization_new(GDBusConnection *bus, ScdClients *clients, ScdAudit *audit);

/* Ends the pending checks. All rechecks must have been removed. */
void scd_authorization_free(ScdAuthorization *authorization);

ScdAuthority *scd_authorization_authority(const ScdAuthorization *authorization);
ScdAudit *scd_authorization_audit(const ScdAuthorization *authorization);

/* Starts a probe of the reader, if none is running. */
typedef void (*ScdAuthorizationProber)(const char *reader, gpointer data);

/* NULL: readers are not probed any more, and no check waits. */
void scd_authorization_set_prober(ScdAuthorization *authorization, ScdAuthorizationProber probe,
                                  gpointer data);

/* To be called when a probe of the reader has ended, and the reader has its result. */
void scd_authorization_reader_probed(ScdAuthorization *authorization, const char *reader);

/* Returns the action that the table lists for the call. features: NULL if there are none. */
ScdAction scd_authorization_action(GDBusMethodInvocation *invocation, GBytes *features);

typedef struct {
    ScdAction action;
    gboolean authenticated; /* granted because the user has authenticated */
} ScdGrant;

/*
 * client: the caller, a reference that the function owns; NULL with the error for the caller if
 * it is not authorized, or has left.
 */
typedef void (*ScdAuthorizationFunc)(ScdClient *client, const ScdGrant *grant, const GError *error,
                                     gpointer data);

/*
 * Looks up the caller and checks the action of the call, for the reader in its present state.
 * reader: may be NULL if the action is SCD_ACTION_NONE; it may be freed after the cancellable
 * was cancelled. features: the driver's list, NULL to use that of the reader's last probe. Calls
 * func exactly once, possibly before this returns; with SCD_E_CANCELLED after the cancellable was
 * cancelled.
 */
void scd_authorization_check(ScdAuthorization *authorization, GDBusMethodInvocation *invocation,
                             const ScdReader *reader, GBytes *features, GCancellable *cancellable,
                             ScdAuthorizationFunc func, gpointer data);

/* Returns the subject of a verdict: the details that rules use (a{ss}), and the card object or "/".
 */
GVariant *scd_subject_new(const ScdReader *reader);
GVariant *scd_subject_get_details(GVariant *subject); /* a reference */

/* A function to call when the rules have changed. Not copied: it stays in place until removed. */
typedef struct {
    void (*func)(gpointer data); /* may remove itself */
    gpointer data;
} ScdRecheck;

void scd_authorization_add_recheck(ScdAuthorization *authorization, const ScdRecheck *recheck);
void scd_authorization_remove_recheck(ScdAuthorization *authorization, const ScdRecheck *recheck);

/* A check that waits for a probe of the reader, whose identity is not complete. */
typedef struct {
    ScdAuthorization *authorization;
    void (*go_on)(gpointer data);
    gpointer data;
    GCancellable *cancellable; /* ends the wait when it is cancelled; may be NULL */
    GList link;
    gboolean again; /* waits although the identity is complete */
    char *reader;   /* the PC/SC name; NULL while it does not wait */
    guint timer;
    GSource *cancelled; /* NULL without a cancellable, and while it does not wait */
} ScdProbeWait;

/*
 * Calls go_on(), possibly before this returns, when the identity of the reader is complete, or when
 * a probe or 1.5 seconds have not made it so. A verdict would otherwise be without the details that
 * a late answer of the driver has.
 */
void scd_probe_wait_start(ScdProbeWait *wait, const ScdReader *reader, const ScdClient *client);

/* Ends the wait now: calls go_on(). Only while it waits. */
void scd_probe_wait_end(ScdProbeWait *wait);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAuthorization, scd_authorization_free)
