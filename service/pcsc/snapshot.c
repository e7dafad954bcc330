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

static void
clear_step(gpointer step)
{
    scd_reader_state_unref(((ScdStep *)step)->state);
}

static GArray *
new_steps(void)
{
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(ScdStep));

    g_array_set_clear_func(steps, clear_step);
    return steps;
}

/* Takes the reference to the state. */
static void
add_step(GArray *steps, ScdStepKind kind, ScdReaderState *state)
{
    ScdStep step = {kind, state};
    g_array_append_val(steps, step);
}

/* Returns the state of the reader without its card, which may never have been observed. */
static ScdReaderState *
new_empty_state(const ScdReaderState *state, guint16 event_count)
{
    return scd_reader_state_new(state->name, SCD_STATE_EMPTY, event_count, NULL, 0);
}

static void
add_reader_steps(GArray *steps, ScdReaderState *state)
{
    if (!scd_reader_state_has_card(state)) {
        add_step(steps, SCD_STEP_READER_ADDED, scd_reader_state_ref(state));
        return;
    }
    add_step(steps, SCD_STEP_READER_ADDED, new_empty_state(state, state->event_count));
    add_step(steps, SCD_STEP_CARD_INSERTED, scd_reader_state_ref(state));
}

static void
add_removal_steps(GArray *steps, ScdReaderState *state)
{
    if (scd_reader_state_has_card(state))
        add_step(steps, SCD_STEP_CARD_REMOVED, new_empty_state(state, state->event_count));
    add_step(steps, SCD_STEP_READER_REMOVED, scd_reader_state_ref(state));
}

/* A mute card that answers now counts as another card: it needs an object with its ATR. */
static gboolean
is_other_card(const ScdReaderState *before, const ScdReaderState *after)
{
    return before->event_count != after->event_count ||
           (before->atr_length == 0 && after->atr_length > 0);
}

static void
add_change_steps(GArray *steps, const ScdReaderState *before, ScdReaderState *after)
{
    gboolean had_card = scd_reader_state_has_card(before);
    gboolean has_card = scd_reader_state_has_card(after);

    if (had_card && has_card && is_other_card(before, after)) {
        add_step(steps, SCD_STEP_CARD_REMOVED, new_empty_state(after, after->event_count - 1));
        add_step(steps, SCD_STEP_CARD_INSERTED, scd_reader_state_ref(after));
    } else if (had_card && !has_card) {
        add_step(steps, SCD_STEP_CARD_REMOVED, scd_reader_state_ref(after));
    } else if (!had_card && has_card) {
        add_step(steps, SCD_STEP_CARD_INSERTED, scd_reader_state_ref(after));
    } else {
        add_step(steps, SCD_STEP_READER_CHANGED, scd_reader_state_ref(after));
    }
}

/* NULL: there is no such reader. */
static void
add_steps(GArray *steps, ScdReaderState *before, ScdReaderState *after)
{
    if (!before)
        add_reader_steps(steps, after);
    else if (!after)
        add_removal_steps(steps, before);
    else if (before != after && !scd_reader_state_equal(before, after))
        add_change_steps(steps, before, after);
}

static GHashTable *
index_states(const ScdSnapshot *snapshot)
{
    GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < snapshot->readers->len; i++) {
        ScdReaderState *state = snapshot->readers->pdata[i];
        g_hash_table_insert(index, state->name, state);
    }
    return index;
}

/* Most snapshots have the same readers in the same order: they are compared without an index. */
static gboolean
has_same_readers(const ScdSnapshot *before, const ScdSnapshot *after)
{
    if (before->readers->len != after->readers->len)
        return FALSE;
    for (guint i = 0; i < before->readers->len; i++) {
        const ScdReaderState *a = before->readers->pdata[i];
        const ScdReaderState *b = after->readers->pdata[i];
        if (a != b && !g_str_equal(a->name, b->name))
            return FALSE;
    }
    return TRUE;
}

GArray *
scd_difference(const ScdSnapshot *before, const ScdSnapshot *after)
{
    GArray *steps = new_steps();
    gboolean in_place = has_same_readers(before, after);
    g_autoptr(GHashTable) old = in_place ? NULL : index_states(before);
    g_autoptr(GHashTable) new = in_place ? NULL : index_states(after);

    for (guint i = 0; !in_place && i < before->readers->len; i++) {
        ScdReaderState *state = before->readers->pdata[i];
        if (!g_hash_table_contains(new, state->name))
            add_steps(steps, state, NULL);
    }
    for (guint i = 0; i < after->readers->len; i++) {
        ScdReaderState *state = after->readers->pdata[i];
        add_steps(steps,
                  in_place ? before->readers->pdata[i] : g_hash_table_lookup(old, state->name),
                  state);
    }
    return steps;
}

GArray *
scd_difference_of_reader(ScdReaderState *before, ScdReaderState *after)
{
    GArray *steps = new_steps();

    add_steps(steps, before, after);
    return steps;
}
