/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Submits the jobs of calls on a session: charges the session with them, and applies the options of
 * the call.
 *
 * These functions take over a job of scd_job_call_new(). If the session's quota is exhausted, or
 * the call-id is in use, they reply with the error.
 */

#include "bus/options.h"
#include "bus/session.h"

void scd_session_submit(ScdSession *session, ScdJob *job, const ScdCallOptions *options);

/* Submits the job after polkit has granted the action of the call. */
void scd_session_submit_if_authorized(ScdSession *session, GDBusMethodInvocation *invocation,
                                      ScdJob *job, const ScdCallOptions *options);

/* A Reconnect: updates the session before the reply. */
void scd_session_submit_reconnect(ScdSession *session, GDBusMethodInvocation *invocation,
                                  ScdJob *job, const ScdCallOptions *options);

/*
 * A Close: frees the session, which stays if the call-id is in use. If the call is cancelled, its
 * job is carried out all the same.
 */
void scd_session_submit_close(ScdSession *session, ScdJob *job, const ScdCallOptions *options);

/* For a call that is answered at once. Fails with SCD_INVALID_ARGS if the call-id is in use. */
gboolean scd_session_call_id_is_free(const ScdSession *session, const ScdCallOptions *options,
                                     GError **error);
