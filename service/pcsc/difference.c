/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/difference.h"

static void
clear_step(gpointer step)
{
    scd_reader_state_unref(((ScdStep *)step)->state);
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
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(ScdStep));
    g_array_set_clear_func(steps, clear_step);

    gboolean in_place = has_same_readers(before, after);
    g_autoptr(GHashTable) old = in_place ? NULL : index_states(before);
    g_autoptr(GHashTable) new = in_place ? NULL : index_states(after);

    for (guint i = 0; !in_place && i < before->readers->len; i++) {
        ScdReaderState *state = before->readers->pdata[i];
        if (!g_hash_table_contains(new, state->name))
            add_removal_steps(steps, state);
    }
    for (guint i = 0; i < after->readers->len; i++) {
        ScdReaderState *state = after->readers->pdata[i];
        ScdReaderState *was =
            in_place ? before->readers->pdata[i] : g_hash_table_lookup(old, state->name);
        if (!was)
            add_reader_steps(steps, state);
        else if (was != state && !scd_reader_state_equal(was, state))
            add_change_steps(steps, was, state);
    }
    return steps;
}
