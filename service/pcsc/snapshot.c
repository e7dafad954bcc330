/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/snapshot.h"

#include <string.h>

ScdReaderState *
scd_reader_state_new(const char *name, guint16 bits, guint16 event_count, const guint8 *atr,
                     gsize atr_length)
{
    g_return_val_if_fail(atr_length <= SCD_ATR_SIZE_MAX, NULL);

    ScdReaderState *state = g_new0(ScdReaderState, 1);
    g_atomic_ref_count_init(&state->references);
    state->name = g_strdup(name);
    state->bits = bits;
    state->event_count = event_count;
    state->atr_length = atr_length;
    if (atr_length > 0)
        memcpy(state->atr, atr, atr_length);
    return state;
}

ScdReaderState *
scd_reader_state_ref(ScdReaderState *state)
{
    g_atomic_ref_count_inc(&state->references);
    return state;
}

void
scd_reader_state_unref(ScdReaderState *state)
{
    if (!g_atomic_ref_count_dec(&state->references))
        return;
    g_free(state->name);
    g_free(state);
}

gboolean
scd_reader_state_equal(const ScdReaderState *a, const ScdReaderState *b)
{
    return a->bits == b->bits && a->event_count == b->event_count &&
           a->atr_length == b->atr_length && memcmp(a->atr, b->atr, a->atr_length) == 0 &&
           g_str_equal(a->name, b->name);
}

static ScdSnapshot *
new_snapshot(GPtrArray *readers, char *trouble)
{
    ScdSnapshot *snapshot = g_new0(ScdSnapshot, 1);
    g_atomic_ref_count_init(&snapshot->references);
    snapshot->readers = readers;
    snapshot->trouble = trouble;
    return snapshot;
}

ScdSnapshot *
scd_snapshot_new(GPtrArray *readers)
{
    return new_snapshot(readers, NULL);
}

ScdSnapshot *
scd_snapshot_new_unavailable(char *trouble)
{
    GPtrArray *readers = g_ptr_array_new_with_free_func((GDestroyNotify)scd_reader_state_unref);
    return new_snapshot(readers, trouble);
}

ScdSnapshot *
scd_snapshot_ref(ScdSnapshot *snapshot)
{
    g_atomic_ref_count_inc(&snapshot->references);
    return snapshot;
}

void
scd_snapshot_unref(ScdSnapshot *snapshot)
{
    if (!g_atomic_ref_count_dec(&snapshot->references))
        return;
    g_ptr_array_unref(snapshot->readers);
    g_free(snapshot->trouble);
    g_free(snapshot);
}
