/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One SCARDHANDLE, and the calls of winscard.h for the kinds of jobs. It belongs to the worker's
 * thread; members marked as atomic may be read from any thread.
 *
 * Another program's transaction is not an error. pcsc-lite would block in the call until that
 * transaction ends, and the call cannot be cancelled. A call that would have to wait is therefore
 * not made: the result is SCD_OUTCOME_BUSY, and the caller tries again later.
 */

#include "pcsc/job.h"

/* The maximum length of input and output in one call of PC/SC: MAX_BUFFER_SIZE_EXTENDED. */
#define SCD_PCSC_BUFFER_SIZE 65548

/* Shared by all handles of a worker. */
typedef struct {
    long context; /* SCARDCONTEXT, 0 while there is none */
    const char *reader;
    guint8 *buffer;                       /* of SCD_PCSC_BUFFER_SIZE; wiped after each use */
    gboolean (*may_go_on)(gpointer data); /* queried between the commands of a script */
    /* Waits until the job is answered early, or the time (monotonic, microseconds). */
    void (*await_answer)(const ScdJob *job, gint64 until, gpointer data);
    gpointer data;
    gboolean shared;  /* for SCD_JOB_DISCONNECT: another handle of the worker is connected */
    gboolean unclean; /* a session has left the card to other handles without a reset */
    gboolean reset;   /* a handle has reset the card, or found that another program has */

    /* Each time another handle, or another program, than before uses the card is counted. */
    guint n_uses;
    gconstpointer last_user; /* NULL: another program */
} ScdCardPlace;

typedef struct {
    long card; /* SCARDHANDLE */
    gboolean connected;
    gboolean exclusive;
    gboolean used;    /* commands were sent since the last reset that the handle has seen */
    gint depth;       /* of nested transactions; atomic */
    guint protocol;   /* the active one, SCARD_PROTOCOL_*; atomic */
    guint share_mode; /* atomic */
    gboolean held;    /* scd_job_queue_set_held(); under the lock of the queues, like atr */
    GBytes *atr;
    gboolean forbidden; /* reconnected to a card with another ATR */
    gboolean reset;     /* the owner knows that the card was reset since the last (re)connect */
    guint n_uses;       /* those of the place when the last transaction began, and its own after */
} ScdCardHandle;

typedef enum {
    SCD_OUTCOME_DONE,
    SCD_OUTCOME_BUSY,
    SCD_OUTCOME_PAUSED, /* may_go_on() returned FALSE: the script can be continued */
} ScdOutcome;

/* Returns whether another program, or another handle, has a transaction. */
gboolean scd_card_handle_is_held_up_in_worker(const ScdCardHandle *handle);

/* Returns whether the card was reset since the handle was connected or reconnected. */
gboolean scd_card_handle_was_reset_in_worker(const ScdCardHandle *handle, ScdCardPlace *place);

/* Another program has used the card. */
void scd_card_place_note_other_program(ScdCardPlace *place);

/* Runs the job; stores the return code and the outputs in it. */
ScdOutcome scd_card_handle_do_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job);

/* Reverts the effect of a job that was answered before: ends the transaction, or disconnects. */
void scd_card_handle_undo_in_worker(ScdCardHandle *handle, const ScdJob *job);

/* Ends a transaction that took too long, and resets the card. */
void scd_card_handle_revoke_in_worker(ScdCardHandle *handle);
