/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One call of winscard.h, or a script of commands, on one card handle.
 *
 * A job has one owner at a time, which alone changes and frees it:
 *
 *     NEW      the code that created it, which sets the fields of its kind
 *     QUEUED   the queue, in which it can be cancelled, time out, or end with the queue
 *     RUNNING  the worker, until libpcsclite has returned
 *     DONE     none; the inputs are wiped
 *
 *     NEW → QUEUED (submit), QUEUED → RUNNING (the worker takes it), RUNNING →
 *     QUEUED (another program holds the card), NEW, QUEUED, RUNNING → DONE.
 *
 * Whether a job has been answered is a separate fact. Any thread may claim the answer; one of them
 * succeeds, and calls done(). A job that is cancelled while it is RUNNING is answered at once. The
 * worker still owns it until libpcsclite returns, and then reverts its effect.
 */

#include <glib.h>

#include "base/apdu.h"
#include "base/bytes.h"
#include "base/limit.h"
#include "pcsc/scheduler.h"

typedef enum {
    SCD_JOB_CONNECT,       /* share_mode, protocols, inputs (ATR, or none) → protocol */
    SCD_JOB_RECONNECT,     /* share_mode, protocols, action (initialization) → protocol */
    SCD_JOB_DISCONNECT,    /* action (disposition); always carried out, answered or not */
    SCD_JOB_BEGIN,         /* a transaction → card_used */
    SCD_JOB_END,           /* action (disposition) */
    SCD_JOB_TRANSMIT,      /* inputs (commands), follow, expect, number (the protocol in their
                            * headers, 0 for the handle's) → outputs (responses), protocol */
    SCD_JOB_ENTER_PIN,     /* number (ScdPinOperation), inputs (its structure) → outputs (the
                            * response of the card, or of the reader) */
    SCD_JOB_CONTROL,       /* number (control code), inputs (one) → outputs (one) */
    SCD_JOB_GET_ATTRIBUTE, /* number (attribute id) → outputs (one) */
    SCD_JOB_SET_ATTRIBUTE, /* number (attribute id), inputs (one) */
    SCD_JOB_STATUS,        /* only the code: whether the handle is still good */
} ScdJobKind;

typedef enum {
    SCD_JOB_NEW,
    SCD_JOB_QUEUED,
    SCD_JOB_RUNNING,
    SCD_JOB_DONE,
} ScdJobState;

/* Time limits: for none, and (wait_until only) for a job that must not wait at all. */
#define SCD_JOB_NO_LIMIT G_MAXINT64
#define SCD_JOB_NO_WAIT 0

/* Bytes that a job, and the call that it belongs to, takes beside its inputs and outputs. */
#define SCD_JOB_COST 512

/* Bytes in all outputs of a script: a reply of the bus holds them, in hexadecimal digits, too. */
#define SCD_JOB_OUTPUTS_MAX (4 * 1024 * 1024)

/*
 * Action of SCD_JOB_DISCONNECT when the owner has not chosen a disposition: the card is reset if
 * the handle has a transaction; or if commands were sent with it since the last reset, and the card
 * is not in use by any other handle, of this service or of another program. Never waits.
 */
#define SCD_JOB_DISPOSITION_OWNER_LEFT G_MAXUINT32

/* Whether the main thread has seen that the card of a handle was removed. */
typedef enum {
    SCD_CARD_KEPT,
    SCD_CARD_LOST,          /* until a reconnect succeeds */
    SCD_CARD_LOST_FOR_EVER, /* the handle is for that card only */
} ScdCardLoss;

/* The events of a PIN pad. None has the digit that was entered. */
typedef enum {
    SCD_PIN_STARTED,             /* the reader expects a PIN now */
    SCD_PIN_STARTED_CANCELLABLE, /* the same, and the job ends when it is answered early */
    SCD_PIN_KEY_DIGIT,
    SCD_PIN_KEY_BACKSPACE,
    SCD_PIN_KEY_ENTER,
    SCD_PIN_KEY_CANCEL,
    SCD_PIN_ENDED, /* the reader does not expect it any more */
} ScdPinEvent;

typedef struct ScdJob ScdJob;
/*
 * code: a PC/SC code. The outputs and the protocol are valid only with SCARD_S_SUCCESS; the inputs
 * are not valid any more. Called once, in any thread, without locks.
 */
typedef void (*ScdJobFunc)(ScdJob *job, guint32 code, gpointer data);

/* In the worker's thread, without locks, while the job is RUNNING; answered or not. */
typedef void (*ScdJobReportFunc)(ScdJob *job, ScdPinEvent event, gpointer data);

struct ScdJob {
    gatomicrefcount references;
    ScdJobKind kind;
    ScdJobFunc done;
    gpointer data;
    GDestroyNotify free_data;

    /* Set before the job is submitted. The numbers are PC/SC's, the times monotonic (µs). */
    gint64 wait_until; /* answered with SCARD_E_TIMEOUT, and not carried out, if QUEUED by then */
    gint64 end_by;     /* answered with SCARD_E_TIMEOUT, in any state, by then */
    gboolean answered_in_worker; /* done() is called in the worker's thread only, in order */
    gboolean finds_cause;        /* of a failure: a removed card, or a pcscd that has stopped */
    gboolean chained; /* right after the queue's job before, and only if that has succeeded */
    ScdJobReportFunc report; /* of SCD_JOB_ENTER_PIN, or NULL */
    gboolean only_features;  /* SCD_JOB_CONTROL: refused for a driver command (feature.h) */
    guint32 share_mode;
    guint32 protocols;
    guint32 action;
    guint32 number;
    ScdBytesList inputs;
    gboolean follow;  /* fetch 61xx, resend 6Cxx */
    ScdExpect expect; /* another status word ends the script */

    /* Of the queue, under its lock: if not 0, the job is not executed, and answered with this
     * code. The creator may set it before. */
    guint32 refused;

    /* Of the queue, set when the worker takes the job. */
    GBytes *atr; /* of the only card that the client may use; NULL: any card */
    ScdCardLoss loss;

    /* Of the worker. */
    gboolean meets_other_card; /* put back, because atr is not that of the card in the reader */
    guint32 code;
    guint32 mode_before;  /* of SCD_JOB_RECONNECT: the share mode */
    guint32 event_before; /* likewise: the removal or reset that it confirms; 0: none */
    gboolean card_used;   /* of SCD_JOB_BEGIN, see scd_job_queue_on_events() */
    guint32 protocol;     /* the active one; of a response, if number is not 0: SCD_FRAME_… */
    ScdBytesList outputs; /* for a script one for each command that was answered */
    gsize n_output_bytes;
    gboolean out_of_room; /* the script ended because the next output might have had no room */

    /* For the functions below. */
    gint state;
    gint answered;
    guint32 answer; /* by the claimant */
    gint sent;
    guint n_commands;
    gsize n_bytes;
    gint n_answered;
    ScdUserCharge memory;
};

/* done: NULL for a job whose result is not needed. free_data frees the data with the job. */
ScdJob *scd_job_new(ScdJobKind kind, ScdJobFunc done, gpointer data, GDestroyNotify free_data);
ScdJob *scd_job_ref(ScdJob *job);
void scd_job_unref(ScdJob *job);

/*
 * Charges a NEW job and its inputs to the account, until the job is freed; its outputs follow, each
 * until it is freed. Returns FALSE with SCD_LIMITS_EXCEEDED if there is no room.
 */
gboolean scd_job_charge(ScdJob *job, ScdAccount *account, GError **error);

/* Ends a NEW job: calls done(), and takes over the reference. */
void scd_job_finish(ScdJob *job, guint32 code);

ScdJobState scd_job_state(const ScdJob *job);

/* For the owner. Asserts that the job is in the state "from" and that the transition is legal. */
void scd_job_set_state(ScdJob *job, ScdJobState from, ScdJobState to);

/* Returns TRUE to one caller, which must call scd_job_deliver(); that calls done() with the code.
 */
gboolean scd_job_claim(ScdJob *job, guint32 code);
void scd_job_deliver(ScdJob *job);
gboolean scd_job_is_answered(const ScdJob *job);

/*
 * A list of claimed jobs, with a reference to each, which are answered when no lock is held. Adding
 * a job takes over the reference, and drops it if the job has been answered.
 */
void scd_job_answers_add(GQueue *answers, ScdJob *job, guint32 code);
void scd_job_answers_deliver(GQueue *answers);

/*
 * Returns whether libpcsclite was called for this job. If not, the job has not reached the card;
 * else the result of a job that was answered early is unknown.
 */
gboolean scd_job_was_sent(const ScdJob *job);
void scd_job_set_sent_in_worker(ScdJob *job, gboolean sent);

/* Return how many commands a script has, and how many the card has answered. From any thread. */
guint scd_job_n_commands(const ScdJob *job);
guint scd_job_n_answered(const ScdJob *job);
void scd_job_add_output_in_worker(ScdJob *job, GBytes *output);

/* Returns a copy of the bytes for an output, charged to the job's account if the job is. */
GBytes *scd_job_new_output(const ScdJob *job, gconstpointer bytes, gsize length);

/* The same, for bytes that the caller writes. */
GBytes *scd_job_new_output_of_size(const ScdJob *job, gsize length, guint8 **bytes);

/* Returns whether the script, and the account of the job, have room for one more output of the
 * maximum length. */
gboolean scd_job_has_room_in_worker(const ScdJob *job);

/* Returns the number of bytes that the inputs had when the job was submitted. */
gsize scd_job_n_bytes(const ScdJob *job);

/* Returns whether the job has to wait while another handle has a transaction, or, once it was put
 * back, while the main thread has not seen the card. */
gboolean scd_job_needs_card(const ScdJob *job);

/* Returns whether the job sends commands to the card. */
gboolean scd_job_is_command(const ScdJob *job);

/* Returns the meaning of the job for the idle limit, if the queue holds the transaction. */
ScdHoldActivity scd_job_hold_activity(const ScdJob *job);

void scd_job_report_in_worker(ScdJob *job, ScdPinEvent event);

/* Returns whether the time limit, which may be SCD_JOB_NO_WAIT, has passed. */
gboolean scd_job_is_over(gint64 limit, gint64 now);

/* Sets the only card that the client may use, NULL for any card. */
void scd_job_set_atr(ScdJob *job, GBytes *atr);

/*
 * Returns whether to try a job again for which another program has the card: 0, or the code to
 * answer it with. If patient is FALSE, it is not tried again.
 */
guint32 scd_job_reason_to_give_up(const ScdJob *job, gint64 now, gboolean patient);

/* Returns the earliest time at which a QUEUED job may have to be answered. */
gint64 scd_job_limit(const ScdJob *job);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdJob, scd_job_unref)
