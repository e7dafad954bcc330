/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One SCARDHANDLE, its place among the handles on the same card, and the known parts of the card's
 * state. Both belong to the worker's thread; members marked as atomic may be read from any thread.
 *
 * A connection ends with the card as the disposition says. If the owner has not chosen one, the
 * card keeps no state that others could use, such as a verified PIN.
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
    gboolean shared; /* for SCD_JOB_DISCONNECT: another handle of the worker is connected */
    gboolean reset;  /* a handle has reset the card, or found that another program has */

    /* Each time another handle, or another program, than before uses the card is counted. */
    guint n_uses;
    gconstpointer last_user; /* NULL: another program */
} ScdCardPlace;

typedef struct {
    long card;          /* SCARDHANDLE */
    gboolean connected; /* atomic */
    gboolean exclusive;
    gboolean used;    /* commands, or PINs of a PIN pad, were sent since the last reset that the
                       * handle has seen, in any share mode */
    gint depth;       /* of nested transactions; atomic */
    guint protocol;   /* the active one, SCARD_PROTOCOL_*; atomic */
    guint share_mode; /* atomic */
    gboolean bound;   /* for the card that it was connected to, and no other one */
    gboolean held; /* scd_job_queue_set_held(); under the lock of the queues, like the next two */
    GBytes *atr;
    ScdCardLoss loss;
    guint32 refusal; /* the code of all jobs until a reconnect succeeds, 0 for none: the card has
                      * another ATR, the last reconnect was undone, or the handle was replaced */
    gboolean reset;  /* the owner knows that the card was reset since the last (re)connect */
    guint n_uses;    /* those of the place when the last transaction began, and its own after */
} ScdCardHandle;

typedef enum {
    SCD_OUTCOME_DONE,
    SCD_OUTCOME_BUSY,
    SCD_OUTCOME_PAUSED, /* may_go_on() returned FALSE: the script can be continued */
} ScdOutcome;

/* Notes that another program has used the card. */
void scd_card_place_note_other_program(ScdCardPlace *place);

/*
 * To be called after a call that may have reset the card, or found that it was reset or removed.
 * action: the disposition or initialization of the call. code: its return code
 */
void scd_card_handle_note_reset(ScdCardHandle *handle, ScdCardPlace *place, guint32 action,
                                guint32 code);

/* To be called after a call that may have sent a command to the card; code: its return code */
void scd_card_handle_note_command(ScdCardHandle *handle, ScdCardPlace *place, guint32 code);

/*
 * Under the lock of the queues: copies the loss to a job that the worker takes, and restores it
 * when the job is put back or finished. A reconnect begins without it: a card that is removed
 * meanwhile is lost anew.
 */
void scd_card_handle_copy_loss(ScdCardHandle *handle, ScdJob *job);
void scd_card_handle_restore_loss(ScdCardHandle *handle, const ScdJob *job, gboolean done);

/* Under the lock of the queues: sets the only card that jobs may use, NULL for any card. */
void scd_card_handle_set_atr(ScdCardHandle *handle, GBytes *atr);

/* To be called when the handle was disconnected. */
void scd_card_handle_clear_connection(ScdCardHandle *handle);

/*
 * The next functions query the card of a handle (card: a SCARDHANDLE). pcscd answers itself:
 * SCardStatus would access the table of readers, which in 1.9.9 only the monitor may use.
 */

/*
 * Returns at once: SCARD_W_RESET_CARD or SCARD_W_REMOVED_CARD if the card was reset or removed,
 * SCARD_E_SHARING_VIOLATION if another handle has a transaction, else SCARD_S_SUCCESS.
 */
guint32 scd_card_check_access_in_worker(long card);

/* Returns whether the card has the expected ATR; TRUE if the driver does not report one. */
gboolean scd_card_has_atr_in_worker(long card, GBytes *expected);

/*
 * For a direct handle, which pcscd lets use each card that is inserted. granted: the ATR of the
 * only card to use, empty for no card. Returns SCARD_S_SUCCESS if the card is that one or has no
 * power; SCARD_E_NO_SMARTCARD if there is none, as granted; SCARD_E_CARD_UNSUPPORTED if it is
 * another one; or the code of scd_card_check_access_in_worker(), and then the card is not known.
 */
guint32 scd_card_compare_in_worker(long card, GBytes *granted);

/*
 * Returns why the command of the job failed: SCARD_W_REMOVED_CARD if the card was removed,
 * SCARD_E_READER_UNAVAILABLE if the reader was unplugged, the code of a lost connection to pcscd,
 * or else the code of the job. Blocks for at most half a second, and not after the job was
 * answered.
 */
guint32 scd_card_find_cause_in_worker(long card, const ScdJob *job);

/*
 * Returns whether PC/SC part 3 has a class for the attribute. Internal tags of drivers, which pcscd
 * would pass on, have none.
 */
gboolean scd_card_is_documented_attribute(guint32 id);

/*
 * To be called before the worker connects its first handle: resets the card if it has the state of
 * an ended session, and no other program has a handle on it now.
 */
void scd_card_clean_in_worker(const ScdCardPlace *place);

/*
 * Runs a SCD_JOB_DISCONNECT on a handle that is connected. SCD_OUTCOME_BUSY: another program has
 * the card, and the handle stays connected.
 */
ScdOutcome scd_card_handle_disconnect_in_worker(ScdCardHandle *handle, ScdCardPlace *place,
                                                ScdJob *job);
