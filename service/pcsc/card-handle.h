/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One SCARDHANDLE, and the calls of winscard.h that a job stands for. Belongs
 * to the worker's thread, but for what can be asked from any thread.
 *
 * Another program's transaction is no error here: pcsc-lite would sleep in the
 * call until it ends, which nothing can cancel. So what would have to wait for
 * it is not entered, and says SCD_OUTCOME_BUSY: to be tried again later.
 */

#include "pcsc/job.h"

/* What PC/SC takes and gives at most in one call: MAX_BUFFER_SIZE_EXTENDED. */
#define SCD_PCSC_BUFFER_SIZE 65548

/* What the handles of a worker have in common. */
typedef struct {
    long context; /* SCARDCONTEXT, 0 while there is none */
    const char *reader;
    guint8 *buffer; /* of SCD_PCSC_BUFFER_SIZE; wiped after each use */
} ScdCardPlace;

typedef struct {
    long card; /* SCARDHANDLE */
    gboolean connected;
    gboolean exclusive;
    gint depth;       /* of nested transactions; atomic */
    guint protocol;   /* the active one, SCARD_PROTOCOL_*; atomic */
    guint share_mode; /* atomic */
} ScdCardHandle;

typedef enum {
    SCD_OUTCOME_DONE,
    SCD_OUTCOME_BUSY,
} ScdOutcome;

/* Whether another program, or another handle, has a transaction open. */
gboolean scd_card_handle_is_held_up_in_worker(const ScdCardHandle *handle);

/* Puts code and outputs into the job. */
ScdOutcome scd_card_handle_do_in_worker(ScdCardHandle *handle, ScdCardPlace *place, ScdJob *job);

/* Takes back what a job did that nobody waits for any more. */
void scd_card_handle_undo_in_worker(ScdCardHandle *handle, const ScdJob *job);

/* Ends the transaction and resets the card: for those who hold it for too long. */
void scd_card_handle_revoke_in_worker(ScdCardHandle *handle);
