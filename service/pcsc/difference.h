/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The difference between two snapshots as a list of steps, in the order in which they are to be
 * announced. Applied one after the other they lead from the first snapshot to the second. Each step
 * changes one thing:
 *
 * - A reader is added and removed empty: its card is inserted after it is added, and removed before
 *   it is removed.
 * - A card that was replaced is a removal and an insertion, even if no snapshot has the reader
 *   without a card: pcscd's event count shows it.
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

/* Returns an array of ScdStep, which the caller unrefs. */
GArray *scd_difference(const ScdSnapshot *before, const ScdSnapshot *after);
