/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What polkit allows a session: to be connected as it is, which is asked again
 * whenever its rules or users' sessions change, and what single calls need
 * beyond that, which is asked once until such a change. Those calls wait here
 * for the answer, and let others of the session pass.
 */

#include "bus/admission.h"
#include "pcsc/job.h"

typedef struct ScdGrants ScdGrants;

typedef struct {
    void (*granted)(ScdJob *job, gpointer data); /* the job is handed over */
    void (*revoked)(gpointer data);
    gpointer data;
} ScdGrantsOwner;

/* admission, client, and reader must live until the end. */
ScdGrants *scd_grants_new(const ScdAdmission *admission, ScdClient *client, ScdReader *reader,
                          const ScdGrantsOwner *owner);

/* Takes over the grants. Jobs that wait are finished with the code, and the owner hears no more. */
void scd_grants_end(ScdGrants *grants, guint32 code);

/* The user has authenticated for it, and need not do so again because something changed. */
void scd_grants_set_authenticated(ScdGrants *grants, ScdAction action);

/* Whether it was allowed to a call since the rules last changed. */
gboolean scd_grants_has(const ScdGrants *grants, ScdAction action);

/* Has the job granted, at once or when polkit says so; or replies to its call that it may not. */
void scd_grants_ask(ScdGrants *grants, GDBusMethodInvocation *invocation, ScdJob *job);

/* The rules may have changed. action: what the session needs now. */
void scd_grants_recheck(ScdGrants *grants, ScdAction action);
