/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One piece of work for the worker of a reader: a call of winscard.h, or a
 * script of commands, on one card handle.
 *
 * Whoever makes a job fills in what its kind asks for before it is submitted,
 * and reads what came of it in done(), which is called exactly once: in the
 * worker's thread, or by whoever cancels the job.
 */

#include <glib.h>

#include "base/apdu.h"
#include "base/bytes-list.h"

typedef enum {
    SCD_JOB_CONNECT,       /* share_mode, protocols, inputs (ATR, or none) → protocol */
    SCD_JOB_RECONNECT,     /* share_mode, protocols, action (initialization) → protocol */
    SCD_JOB_DISCONNECT,    /* action (disposition) */
    SCD_JOB_BEGIN,         /* a transaction */
    SCD_JOB_END,           /* action (disposition) */
    SCD_JOB_TRANSMIT,      /* inputs (commands), follow, expect, number (the protocol in their
                            * headers, 0 for the handle's) → outputs (responses), protocol */
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

typedef struct ScdJob ScdJob;
/* code: PC/SC's. What else came of the job counts only with SCARD_S_SUCCESS, and in this call. */
typedef void (*ScdJobFunc)(ScdJob *job, guint32 code, gpointer data);

struct ScdJob {
    gatomicrefcount references;
    ScdJobKind kind;
    ScdJobFunc done;
    gpointer data;
    GDestroyNotify free_data;

    /* What to do: PC/SC's numbers. */
    gboolean answered_in_worker; /* done() belongs to the worker's thread: nobody else calls it */
    guint32 refused;             /* a code to end with instead of being carried out; 0 for none */
    gboolean chained;            /* only if the handle's job before this one has succeeded */
    guint32 share_mode;
    guint32 protocols;
    guint32 action;
    guint32 number;
    ScdBytesList inputs;
    gboolean follow;  /* fetch 61xx, resend 6Cxx */
    ScdExpect expect; /* another status word ends the script */

    /* What came of it. */
    guint32 code;     /* PC/SC's: for done(), which is given another one when it was cancelled */
    guint32 protocol; /* the active one; of a response, if number is not 0: SCD_FRAME_… */
    ScdBytesList outputs; /* for a script as many as were answered */

    ScdJobState state; /* the worker's to change, under its lock; atomic */
    gint unwanted;     /* whoever wanted it closed the handle while it was carried out; atomic */
};

/* Whether done() has been called, or is about to be. */
gboolean scd_job_is_done(const ScdJob *job);

/* done: NULL when nobody asks. free_data frees the data with the job. */
ScdJob *scd_job_new(ScdJobKind kind, ScdJobFunc done, gpointer data, GDestroyNotify free_data);
ScdJob *scd_job_ref(ScdJob *job);
void scd_job_unref(ScdJob *job);

/* Ends a job that is in nobody's queue: calls done() and gives up the reference. */
void scd_job_finish(ScdJob *job, guint32 code);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdJob, scd_job_unref)
