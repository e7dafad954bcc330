/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers of PC/SC and their states at one moment, and the difference between two moments. The
 * structures are immutable and may be shared between threads. States that are equal in two
 * snapshots are the same pointer.
 */

#include <glib.h>

#define SCD_ATR_SIZE_MAX 33

/* The bits of SCARD_STATE_* that the service uses; headers do not include winscard.h. */
enum {
    SCD_STATE_UNAVAILABLE = 0x0008,
    SCD_STATE_EMPTY = 0x0010,
    SCD_STATE_PRESENT = 0x0020,
    SCD_STATE_EXCLUSIVE = 0x0080,
    SCD_STATE_INUSE = 0x0100,
    SCD_STATE_MUTE = 0x0200,
};

typedef struct {
    gatomicrefcount references;
    char *name;          /* PC/SC name */
    guint16 bits;        /* SCARD_STATE_*, without CHANGED */
    guint16 event_count; /* insertions and removals since the reader appeared; wraps */
    guint8 atr_length;   /* 0 to SCD_ATR_SIZE_MAX; 0 if there is no card or it is mute */
    guint8 atr[SCD_ATR_SIZE_MAX];
} ScdReaderState;

/* Copies the name and the ATR, which has at most SCD_ATR_SIZE_MAX bytes. */
ScdReaderState *scd_reader_state_new(const char *name, guint16 bits, guint16 event_count,
                                     const guint8 *atr, gsize atr_length);
ScdReaderState *scd_reader_state_ref(ScdReaderState *state);
void scd_reader_state_unref(ScdReaderState *state);
gboolean scd_reader_state_equal(const ScdReaderState *a, const ScdReaderState *b);

static inline gboolean
scd_reader_state_has_card(const ScdReaderState *state)
{
    return (state->bits & SCD_STATE_PRESENT) != 0;
}

typedef struct {
    gatomicrefcount references;
    char *trouble;      /* why pcscd cannot be reached; NULL if it can */
    GPtrArray *readers; /* of ScdReaderState, in the order of SCardListReaders, no name twice */
} ScdSnapshot;

/* Both take ownership of their argument. */
ScdSnapshot *scd_snapshot_new(GPtrArray *readers);
ScdSnapshot *scd_snapshot_new_unavailable(char *trouble);
ScdSnapshot *scd_snapshot_ref(ScdSnapshot *snapshot);
void scd_snapshot_unref(ScdSnapshot *snapshot);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaderState, scd_reader_state_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdSnapshot, scd_snapshot_unref)

/*
 * The difference between two snapshots as a list of steps, in the order in which they are to be
 * announced. Applied one after the other they lead from the first snapshot to the second. Each step
 * changes one thing:
 *
 * - A reader is empty when it is added and when it is removed: its card is inserted after the first
 *   step, and removed before the second one.
 * - A card that was replaced causes a removal and an insertion, even if no snapshot has the reader
 *   without a card, because pcscd's event count has changed.
 */

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

/* The same for one reader. NULL: it is not there; not both are NULL. */
GArray *scd_difference_of_reader(ScdReaderState *before, ScdReaderState *after);
