/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/difference.h"

static void
clear_step(gpointer step)
{
    scd_reader_state_unref(((ScdStep *)step)->state);
}

/* Takes over state. */
static void
add_step(GArray *steps, ScdStepKind kind, ScdReaderState *state)
{
    ScdStep step = {kind, state};
    g_array_append_val(steps, step);
}

/* The moment at which the reader was empty, that nobody needs to have seen. */
static ScdReaderState *
emptied(const ScdReaderState *state, guint16 event_count)
{
    return scd_reader_state_new(state->name, SCD_STATE_EMPTY, event_count, NULL, 0);
}

static void
reader_added(GArray *steps, ScdReaderState *state)
{
    if (!scd_reader_state_has_card(state)) {
        add_step(steps, SCD_STEP_READER_ADDED, scd_reader_state_ref(state));
        return;
    }
    add_step(steps, SCD_STEP_READER_ADDED, emptied(state, state->event_count));
    add_step(steps, SCD_STEP_CARD_INSERTED, scd_reader_state_ref(state));
}

static void
reader_removed(GArray *steps, ScdReaderState *state)
{
    if (scd_reader_state_has_card(state))
        add_step(steps, SCD_STEP_CARD_REMOVED, emptied(state, state->event_count));
    add_step(steps, SCD_STEP_READER_REMOVED, scd_reader_state_ref(state));
}

/* A card that was mute and answers now gets an object with its ATR: a new one. */
static gboolean
other_card(const ScdReaderState *before, const ScdReaderState *after)
{
    return before->event_count != after->event_count ||
           (before->atr_length == 0 && after->atr_length > 0);
}

static void
reader_changed(GArray *steps, const ScdReaderState *before, ScdReaderState *after)
{
    gboolean had_card = scd_reader_state_has_card(before);
    gboolean has_card = scd_reader_state_has_card(after);

    if (had_card && has_card && other_card(before, after)) {
        add_step(steps, SCD_STEP_CARD_REMOVED, emptied(after, after->event_count - 1));
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
index_by_name(const ScdSnapshot *snapshot)
{
    GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < snapshot->readers->len; i++) {
        ScdReaderState *state = snapshot->readers->pdata[i];
        g_hash_table_insert(index, state->name, state);
    }
    return index;
}

/* The usual case, and the one in a hurry: the same readers in the same places. */
static gboolean
same_readers(const ScdSnapshot *before, const ScdSnapshot *after)
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

    gboolean in_place = same_readers(before, after);
    g_autoptr(GHashTable) old = in_place ? NULL : index_by_name(before);
    g_autoptr(GHashTable) new = in_place ? NULL : index_by_name(after);

    for (guint i = 0; !in_place && i < before->readers->len; i++) {
        ScdReaderState *state = before->readers->pdata[i];
        if (!g_hash_table_contains(new, state->name))
            reader_removed(steps, state);
    }
    for (guint i = 0; i < after->readers->len; i++) {
        ScdReaderState *state = after->readers->pdata[i];
        ScdReaderState *was =
            in_place ? before->readers->pdata[i] : g_hash_table_lookup(old, state->name);
        if (!was)
            reader_added(steps, state);
        else if (was != state && !scd_reader_state_equal(was, state))
            reader_changed(steps, was, state);
    }
    return steps;
}
