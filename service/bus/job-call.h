/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A D-Bus method call that a job of a worker carries out: reads the call's
 * arguments into the job, and replies to the call when the job ends.
 *
 * The reply is sent from the thread that ends the job: usually the worker, or
 * the main thread if the job is cancelled. A GDBusMethodInvocation may be
 * answered from any thread, and a reply that does not pass through the main
 * thread saves two wake-ups.
 */

#include <gio/gio.h>

#include "base/config.h"
#include "base/error.h"
#include "base/limit.h"
#include "base/pin-format.h"
#include "base/words.h"
#include "bus/error.h"
#include "bus/options.h"
#include "pcsc/job.h"

#define SCD_SCRIPT_MAX_COMMANDS 1024
#define SCD_SCRIPT_MAX_BYTES (4 * 1024 * 1024) /* of all commands of a script */

typedef enum {
    SCD_REPLY_NOTHING,
    SCD_REPLY_BYTES,      /* ay: the job's output */
    SCD_REPLY_BYTES_LIST, /* aay s: all outputs, and why there are no more */
    SCD_REPLY_HEX,        /* s */
    SCD_REPLY_HEX_LIST,   /* as s, likewise */
    SCD_REPLY_PROTOCOL,   /* s: the word for the job's protocol */
    SCD_REPLY_CARD_USED,  /* b: the job's card_used */
    SCD_REPLY_PIN,        /* ay: the job's output; some status words are errors */
    SCD_REPLY_READY,      /* the tuple set by scd_job_call_set_reply() */
} ScdReplyForm;

/* The options that a one-shot call has in addition to those of a session. */
typedef struct {
    ScdProtocol protocols;      /* to connect with */
    ScdDisposition disposition; /* to disconnect with */
} ScdOneShotOptions;

/*
 * Limits of one session: the number of calls that have no reply yet, and the number of bytes in
 * them. Reference counted: calls may outlive their session, and each call that is charged has a
 * reference.
 */
typedef struct ScdQuota ScdQuota;

/* account: the memory of the session's user, for scd_quota_account(); a reference is kept. */
ScdQuota *scd_quota_new(const ScdConfig *config, ScdAccount *account);
void scd_quota_unref(ScdQuota *quota);

ScdAccount *scd_quota_account(const ScdQuota *quota);

/* Takes over the invocation. reader: the PC/SC name, for error messages; copied. */
ScdJob *scd_job_call_new(ScdJobKind kind, GDBusMethodInvocation *invocation, const char *reader,
                         ScdReplyForm form);

/*
 * Reads the commands of Transmit and its variants, and their options, into the job. call_options:
 * receives those of every call.
 * commands: ay, aay, s or as (hex). options: a{sv}, or NULL.
 * one_shot: receives the options of a one-shot call; NULL for a session, which does not accept
 * them. Fails with SCD_INVALID_ARGS, and a message with the number of the command.
 */
gboolean scd_job_call_read_script(ScdJob *job, GVariant *commands, GVariant *options,
                                  ScdOneShotOptions *one_shot, ScdCallOptions *call_options,
                                  GError **error);

/* Copies a byte array of the call's arguments to the job's inputs. */
void scd_job_call_add_input(ScdJob *job, GVariant *bytes);

/*
 * Charges the quota until the call is answered. If the quota is exhausted, returns FALSE: the
 * error has been sent to the caller, and the job was released.
 */
gboolean scd_job_call_charge(ScdJob *job, ScdQuota *quota);

/*
 * Sets the time limits of the job: those of "timeout-ms"; else the job may wait until the given
 * time (monotonic, microseconds), and run without a limit.
 */
void scd_job_call_limit(ScdJob *job, const ScdCallOptions *options, gint64 wait_until);

/* Sets the reply of SCD_REPLY_READY; sinks a floating tuple. */
void scd_job_call_set_reply(ScdJob *job, GVariant *reply);

/* Called on the main thread after the job ended and before the reply is sent. code: PC/SC's. */
typedef void (*ScdJobCallEndFunc)(guint32 code, gpointer data);

/* Sets the function. destroy frees the data on the main thread, after the function was called. */
void scd_job_call_on_end(ScdJob *job, ScdJobCallEndFunc func, gpointer data,
                         GDestroyNotify destroy);

/* Sets the query for the message of SharingViolation. */
void scd_job_call_set_holder_query(ScdJob *job, const ScdHolderQuery *query);

/*
 * Sets a function that is called on the main thread for each event of a PIN pad, before the reply
 * unless that was sent early. free_data may be called in any thread.
 */
typedef void (*ScdJobCallReportFunc)(ScdPinEvent event, gpointer data);
void scd_job_call_on_report(ScdJob *job, ScdJobCallReportFunc func, gpointer data,
                            GDestroyNotify free_data);

/* Replies with the error and releases the job, which must not have been submitted. */
void scd_job_call_refuse(ScdJob *job, const GError *error);

/*
 * Registers the call, until its reply is sent. cancel is called with the data on the main thread,
 * and ends the job if it has not ended. Takes over the data, which free_data frees. Fails as
 * scd_call_registry_add() does.
 */
gboolean scd_job_call_register(ScdJob *job, ScdCallRegistry *registry, const char *call_id,
                               ScdCancelFunc cancel, gpointer data, GDestroyNotify free_data,
                               GError **error);

/*
 * For VerifyPin and ModifyPin: reads the template (ay) and the format (a{sv}) of a call into a job
 * of SCD_JOB_ENTER_PIN, whose number is the operation. Fails with SCD_INVALID_ARGS. In pin-call.c.
 */
gboolean scd_pin_call_read(ScdJob *job, GVariant *template, GVariant *format, GError **error);

/*
 * The functions below are in responses.c: the responses of a job as the body of a reply, in the
 * encoding of D-Bus. It is a secret: it is written at its place, charged like the responses, and
 * wiped when it is freed. From any thread.
 */

/* aays: all responses, and why there are no more of them. */
GBytes *scd_responses_encode_list(const ScdJob *job);

/* The same in hexadecimal text: ass. */
GBytes *scd_responses_encode_hex_list(const ScdJob *job);

/* The only response in hexadecimal text: s. */
GBytes *scd_responses_encode_hex(const ScdJob *job);
