/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What happened between two snapshots, as a list of single steps, in the order
 * in which they are to be told. Carried out one after the other they lead from
 * the first snapshot to the second; each step changes one thing:
 *
 * - a reader comes empty and goes empty: its card comes after it, and goes
 *   before it;
 * - a card that was swapped is a removal and an insertion, even when nobody
 *   saw the reader empty: pcscd's event count tells.
 */

#include "pcsc/snapshot.h"

typedef enum {
    SCD_STEP_READER_ADDED,
    SCD_STEP_READER_CHANGED, /* other bits or another event count, the same card or none */
    SCD_STEP_READER_REMOVED,
    SCD_STEP_CARD_INSERTED,
    SCD_STEP_CARD_REMOVED,
} ScdStepKind;

typedef struct {
    ScdStepKind kind;
    ScdReaderState *state; /* of the reader, after this step */
} ScdStep;

/* An array of ScdStep. */
GArray *scd_difference(const ScdSnapshot *before, const ScdSnapshot *after);
