/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose turn it is, told by letters: "ABC" wait, in this order. */

#include "pcsc/turns.h"

static char who[] = "ABCD";

static gpointer
named(char name)
{
    return &who[name - 'A'];
}

/* Takes all turns, one after the other, and names those who had them. */
static char *
rest_of(ScdTurns *turns)
{
    GString *order = g_string_new(NULL);

    for (char *next; (next = scd_turns_next(turns)) && order->len < 10;) {
        g_string_append_c(order, *next);
        scd_turns_leave(turns, next);
    }
    return g_string_free(order, FALSE);
}

static void
assert_rest(ScdTurns *turns, const char *expected)
{
    g_autofree char *order = rest_of(turns);
    g_assert_cmpstr(order, ==, expected);
    g_assert_null(scd_turns_next(turns));
    scd_turns_clear(turns);
}

static void
wait_for(ScdTurns *turns, const char *names)
{
    scd_turns_init(turns);
    for (; *names; names++)
        scd_turns_wait(turns, named(*names));
}

static void
test_first_come_first_served(void)
{
    ScdTurns turns;
    wait_for(&turns, "CABD");
    assert_rest(&turns, "CABD");
}

static void
test_who_waits_keeps_its_place(void)
{
    ScdTurns turns;
    wait_for(&turns, "ABABA");
    assert_rest(&turns, "AB");
}

static void
test_who_had_a_turn_goes_to_the_end(void)
{
    ScdTurns turns;
    wait_for(&turns, "ABC");
    scd_turns_done(&turns, named('A'));
    scd_turns_wait(&turns, named('A'));
    assert_rest(&turns, "BCA");
}

static void
test_holder_goes_first_and_needs_no_place(void)
{
    ScdTurns turns;
    wait_for(&turns, "AB");
    scd_turns_done(&turns, named('A'));
    turns.holder = named('A');
    scd_turns_wait(&turns, named('A'));
    g_assert_true(scd_turns_next(&turns) == named('A'));
    g_assert_true(scd_turns_others_wait(&turns));
    assert_rest(&turns, "AB");
}

static void
test_holder_alone_keeps_nobody_waiting(void)
{
    ScdTurns turns;
    wait_for(&turns, "");
    turns.holder = named('A');
    g_assert_false(scd_turns_others_wait(&turns));
    assert_rest(&turns, "A");
}

static void
test_end_goes_before_the_others(void)
{
    ScdTurns turns;
    wait_for(&turns, "ABC");
    scd_turns_wait_first(&turns, named('C'));
    assert_rest(&turns, "CAB");
}

static void
test_end_of_another_waits_for_the_holder(void)
{
    ScdTurns turns;
    wait_for(&turns, "BC");
    turns.holder = named('A');
    scd_turns_wait_first(&turns, named('C'));
    assert_rest(&turns, "ACB");
}

static void
test_who_left_is_forgotten(void)
{
    ScdTurns turns;
    wait_for(&turns, "ABC");
    turns.holder = named('A');
    scd_turns_leave(&turns, named('A'));
    scd_turns_leave(&turns, named('B'));
    assert_rest(&turns, "C");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/turns/order", test_first_come_first_served);
    g_test_add_func("/turns/place", test_who_waits_keeps_its_place);
    g_test_add_func("/turns/round", test_who_had_a_turn_goes_to_the_end);
    g_test_add_func("/turns/holder", test_holder_goes_first_and_needs_no_place);
    g_test_add_func("/turns/holder-alone", test_holder_alone_keeps_nobody_waiting);
    g_test_add_func("/turns/end", test_end_goes_before_the_others);
    g_test_add_func("/turns/end-holder", test_end_of_another_waits_for_the_holder);
    g_test_add_func("/turns/left", test_who_left_is_forgotten);
    return g_test_run();
}
