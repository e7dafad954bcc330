/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The PIN pad of a reader, by the features of PC/SC part 10 that its driver announces (feature.h).
 * The list is read before each use and not kept, because a driver may change it.
 *
 * The entry of a PIN proceeds in one of two ways:
 *
 *     direct    one control code, which returns when the entry is over. Nothing can cancel it: the
 *               reader's time limits bound it.
 *     by keys   a code starts the entry, another one is called again and again and returns the key
 *               that was pressed, and a third one finishes the entry. The entry can be aborted if
 *               the driver has a code for that.
 *
 * The second way is used if the entry can be aborted, else the first one.
 */

#include "base/pin-format.h"
#include "pcsc/job.h"

/* The effect that a control code may have on the card. */
typedef enum {
    SCD_CONTROL_DESCRIBES,  /* nothing: it is about the reader */
    SCD_CONTROL_ENTERS_PIN, /* a PIN is sent to the card, or that is not known */
    SCD_CONTROL_OF_DRIVER,  /* only the driver defines it */
} ScdControlEffect;

/*
 * Queries the driver for the feature that the control code of the job belongs to, and sets *effect.
 * card: a SCARDHANDLE. Returns FALSE, and sets the code of the job, if the job is for features
 * only, and the control code may be a driver command or the driver does not answer.
 */
gboolean scd_pin_pad_may_send_in_worker(long card, ScdJob *job, ScdControlEffect *effect);

typedef struct {
    long card; /* SCARDHANDLE, in a transaction */
    ScdJob *job;
    guint8 *buffer; /* for the response, of SCD_PCSC_BUFFER_SIZE bytes */
    gsize room;
    /* As those of ScdCardPlace. */
    void (*await_answer)(const ScdJob *job, gint64 until, gpointer data);
    gpointer data;
} ScdPinPad;

/*
 * Lets the user enter a PIN for the structure of the job, and reports what happens. An entry that
 * can be cancelled ends with SCARD_E_CANCELLED when the job was answered early. Returns
 * SCARD_E_UNSUPPORTED_FEATURE if the reader has no PIN pad for the operation. *length: bytes of the
 * response in the buffer.
 */
guint32 scd_pin_pad_enter_in_worker(const ScdPinPad *pad, gsize *length);
