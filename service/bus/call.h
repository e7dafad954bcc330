/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A method call that a job of a worker carries out: whoever ends the job, the
 * worker in its thread or somebody who cancels it, replies to the call then and
 * there. A GDBusMethodInvocation may be answered from any thread, and a reply
 * that need not pass through the main thread saves two wake-ups.
 */

#include <gio/gio.h>

#include "bus/quota.h"
#include "pcsc/job.h"

typedef enum {
    SCD_REPLY_NOTHING,
    SCD_REPLY_BYTES,      /* ay: the job's output */
    SCD_REPLY_BYTES_LIST, /* aay: all outputs */
    SCD_REPLY_HEX,        /* s */
    SCD_REPLY_HEX_LIST,   /* as */
    SCD_REPLY_PROTOCOL,   /* s: the word for the job's protocol */
    SCD_REPLY_READY,      /* what scd_call_set_reply() was given */
} ScdReplyForm;

/* reader: the PC/SC name, for the message of an error. */
ScdJob *scd_call_new_job(ScdJobKind kind, GDBusMethodInvocation *invocation, const char *reader,
                         ScdReplyForm form);

/*
 * Charges the quota with the call, until it has been answered. FALSE, with the
 * error replied and the job gone, when there is not so much left.
 */
gboolean scd_call_charge(ScdJob *job, ScdQuota *quota);

/* For SCD_REPLY_READY: what to reply when the job has succeeded; a floating tuple is taken over. */
void scd_call_set_reply(ScdJob *job, GVariant *reply);

/* In the main thread, between the end of the job and the reply; destroy frees the data. */
typedef void (*ScdCallEndFunc)(guint32 code, gpointer data);
void scd_call_tell_main(ScdJob *job, ScdCallEndFunc func, gpointer data, GDestroyNotify destroy);

/* Replies with the error instead of submitting the job, which is taken over. */
void scd_call_refuse(ScdJob *job, const GError *error);

/* Replies with an error that says what failed, on which reader, and what to do. */
void scd_call_fail(GDBusMethodInvocation *invocation, const char *reader, guint32 code);

/* Moves a byte array of the call's arguments to the job's inputs: it is wiped where it was. */
void scd_call_add_input(ScdJob *job, GVariant *bytes);
