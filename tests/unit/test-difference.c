/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tests compare two snapshots and print the steps between them as a line of text. */

#include "pcsc/snapshot.h"

#define EMPTY SCD_STATE_EMPTY
#define CARD SCD_STATE_PRESENT

/* Takes the reference to the state. */
static void
add_reader(GPtrArray *readers, const char *name, guint16 bits, guint16 event_count)
{
    static const guint8 atr[] = {0x3B, 0x00};
    gboolean answers = bits == CARD;
    g_ptr_array_add(readers, scd_reader_state_new(name, bits, event_count, answers ? atr : NULL,
                                                  answers ? sizeof atr : 0));
}

/* Parses "A-0 B+3m": reader A empty at event count 0, B with a card at 3; "m" for a mute card. */
static ScdSnapshot *
parse_snapshot(const char *text)
{
    GPtrArray *readers = g_ptr_array_new_with_free_func((GDestroyNotify)scd_reader_state_unref);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    for (char **word = words; *word && **word; word++) {
        const char name[] = {(*word)[0], '\0'};
        guint16 bits = (*word)[1] == '-' ? EMPTY : CARD;
        if ((*word)[1] == 'm')
            bits |= SCD_STATE_MUTE;
        add_reader(readers, name, bits, (guint16)g_ascii_strtoull(*word + 2, NULL, 10));
    }
    return scd_snapshot_new(readers);
}

static void
assert_text(const GArray *steps, const char *expected)
{
    static const char *const words[] = {
        [SCD_STEP_READER_ADDED] = "added",   [SCD_STEP_READER_CHANGED] = "changed",
        [SCD_STEP_READER_REMOVED] = "gone",  [SCD_STEP_CARD_INSERTED] = "inserted",
        [SCD_STEP_CARD_REMOVED] = "removed",
    };
    g_autoptr(GString) told = g_string_new(NULL);

    for (guint i = 0; i < steps->len; i++) {
        const ScdStep *step = &g_array_index(steps, ScdStep, i);
        g_string_append_printf(
            told, "%s%s %s%c%u", i ? ", " : "", words[step->kind], step->state->name,
            scd_reader_state_has_card(step->state) ? '+' : '-', step->state->event_count);
    }
    g_assert_cmpstr(told->str, ==, expected);
}

static ScdReaderState *
get_only_state(const ScdSnapshot *snapshot)
{
    return snapshot->readers->len > 0 ? snapshot->readers->pdata[0] : NULL;
}

/* The difference of one reader has the same steps as that of snapshots with one reader. */
static void
assert_steps(const char *from, const char *to, const char *expected)
{
    g_autoptr(ScdSnapshot) before = parse_snapshot(from);
    g_autoptr(ScdSnapshot) after = parse_snapshot(to);
    g_autoptr(GArray) steps = scd_difference(before, after);

    assert_text(steps, expected);
    if (before->readers->len + after->readers->len > 0 && before->readers->len <= 1 &&
        after->readers->len <= 1) {
        g_autoptr(GArray) of_reader =
            scd_difference_of_reader(get_only_state(before), get_only_state(after));
        assert_text(of_reader, expected);
    }
}

static void
test_nothing(void)
{
    assert_steps("", "", "");
    assert_steps("A-0 B+3", "A-0 B+3", "");
    assert_steps("A-0 B+3", "B+3 A-0", "");
}

static void
test_cards(void)
{
    assert_steps("A-0 B-0", "A+1 B-0", "inserted A+1");
    assert_steps("A-0 B+1", "A-0 B-2", "removed B-2");
    assert_steps("A+1", "A+3", "removed A-2, inserted A+3");
    assert_steps("A+65535", "A+1", "removed A-0, inserted A+1");
    assert_steps("A-0", "A-2", "changed A-2");
}

static void
test_readers(void)
{
    assert_steps("", "A-0", "added A-0");
    assert_steps("", "A+1", "added A-1, inserted A+1");
    assert_steps("A-0", "", "gone A-0");
    assert_steps("A+1", "", "removed A-1, gone A+1");
    assert_steps("A+1 B-0 C-4", "D-0 C+5 B-0", "removed A-1, gone A+1, added D-0, inserted C+5");
}

static void
test_mute_card_that_answers_now(void)
{
    assert_steps("A-0", "Am1", "inserted A+1");
    assert_steps("Am1", "A+1", "removed A-0, inserted A+1");
}

static void
test_shared_states(void)
{
    g_autoptr(ScdSnapshot) before = parse_snapshot("A+1 B-0");
    g_autoptr(ScdSnapshot) after = scd_snapshot_ref(before);
    g_autoptr(GArray) steps = scd_difference(before, after);

    g_assert_cmpuint(steps->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/difference/nothing", test_nothing);
    g_test_add_func("/difference/cards", test_cards);
    g_test_add_func("/difference/readers", test_readers);
    g_test_add_func("/difference/mute-card-that-answers-now", test_mute_card_that_answers_now);
    g_test_add_func("/difference/shared-states", test_shared_states);
    return g_test_run();
}
