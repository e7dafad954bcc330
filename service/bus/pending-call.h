/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A D-Bus method call that cannot be answered at once: Connect, the one-shot calls, SetAlias,
 * WaitForCard, WaitForRemoval and Refresh.
 *
 * A pending call identifies the caller, checks its authorization, and then calls the method's
 * proceed(). It ends exactly once:
 *
 *   - with a reply, when the method calls scd_pending_call_take_invocation() or, if the method
 *     sends the reply by other means, scd_pending_call_end();
 *   - with an error, when the caller is refused or leaves the bus, when the reader is removed,
 *     when its card is removed (if the call needs that card), when its time limit expires, when
 *     CancelCall() names it, or when the method calls scd_pending_call_fail().
 *
 * After the end it has no timer, no watch on reader or caller, and no polkit dialog, and calls no
 * function of the method except free_data(). scd_pending_call_new() returns a borrowed
 * pointer, which is valid until ended() was called.
 *
 * The call is reference counted: the call itself has one reference until it ends, each
 * operation under way (the authorization check, a job of a worker) has another. The method's
 * data and the charge to the caller's user are released with the last one. Main thread only.
 */

#include "base/limit.h"
#include "bus/authorization.h"
#include "bus/options.h"

typedef struct ScdPendingCall ScdPendingCall;

/* The functions of a method; data is the method's. */
typedef struct {
    /* The caller is known and authorized: starts the work. May end the call. */
    void (*proceed)(ScdPendingCall *call, gpointer data);
    /* The call has ended, and the reply follows. error: for the caller; NULL if the method
     * replies. Stops the work if there was an error. May be NULL. */
    void (*ended)(const GError *error, gpointer data);
    /* Returns the error for an expired timeout. NULL: a general one about the reader. */
    GError *(*new_timeout_error)(gpointer data);
    /* Returns whether a command of the call has reached the reader. NULL: it has no commands. */
    gboolean (*was_sent)(gpointer data);
    GDestroyNotify free_data;
    /* The call waits for an event: with "timeout-ms" 0 it does not wait at all. Else that option
     * limits how long it waits for others. */
    gboolean waits_for_event;
    /* The method replies by other means, also with the error that ended() receives. The pending
     * call does not own the invocation then, uses it in scd_pending_call_start() only, and must
     * not end before that. */
    gboolean replies_itself;
} ScdPendingCallMethod;

typedef struct {
    ScdAuthorization *authorization; /* must outlive the call */
    GDBusMethodInvocation *invocation;
    ScdReader *reader;   /* NULL: the call is not about one reader */
    gboolean needs_card; /* fails when the card that is in the reader now is removed */
    ScdUserLimit *limit; /* charged with the call once the caller is known; NULL: not charged */
    ScdAudit *audit;     /* for limits that were reached; NULL without a limit */
    ScdCallRegistry *registry; /* must outlive the call */
    guint32 wait_limit_ms;     /* how long the call may wait without "timeout-ms" */
} ScdPendingCallParts;

/* Takes over the invocation (see replies_itself) and the data. The method is static. */
ScdPendingCall *scd_pending_call_new(const ScdPendingCallMethod *method, gpointer data,
                                     const ScdPendingCallParts *parts);

/*
 * Identifies the caller and checks its authorization, under the options of the call. May end the
 * call.
 */
void scd_pending_call_start(ScdPendingCall *call, const ScdCallOptions *options);

/*
 * Sets the time limits of a job of the call, before it is submitted. Without "timeout-ms" the call
 * has no limit of its own from now on, only that of the job while it waits.
 */
void scd_pending_call_limit_job(ScdPendingCall *call, ScdJob *job);

/* Limits how long the call waits for polkit after its job has ended. */
void scd_pending_call_limit_wait(ScdPendingCall *call);

ScdPendingCall *scd_pending_call_ref(ScdPendingCall *call);
void scd_pending_call_unref(ScdPendingCall *call);

gboolean scd_pending_call_has_ended(const ScdPendingCall *call);

/* Returns the caller, which the call owns; from proceed() on. */
ScdClient *scd_pending_call_client(const ScdPendingCall *call);

/* Returns the action that the call was granted; from proceed() on. */
const ScdGrant *scd_pending_call_grant(const ScdPendingCall *call);

/*
 * Ends the call. Returns the invocation, which the method has to answer. The data of the method is
 * freed by now, unless there is another reference to the call.
 */
GDBusMethodInvocation *scd_pending_call_take_invocation(ScdPendingCall *call);

/* Ends the call of a method that replies itself. No effect if it has ended. */
void scd_pending_call_end(ScdPendingCall *call);

/* Ends the call with the error. No effect if it has ended. */
void scd_pending_call_fail(ScdPendingCall *call, const GError *error);

/* The same, with the error for the reader that belongs to the code. */
void scd_pending_call_fail_with_code(ScdPendingCall *call, ScdErrorCode code);
