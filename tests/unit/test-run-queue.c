/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose turn it is, told by letters: "ABC" wait, in this order. */

#include "pcsc/run-queue.h"

static char who[] = "ABCD";

static gpointer
named(char name)
{
    return &who[name - 'A'];
}

/* Takes all run_queue, one after the other, and names those who had them. */
static char *
rest_of(ScdRunQueue *run_queue)
{
    GString *order = g_string_new(NULL);

    for (char *next; (next = scd_run_queue_next(run_queue)) && order->len < 10;) {
        g_string_append_c(order, *next);
        scd_run_queue_remove(run_queue, next);
    }
    return g_string_free(order, FALSE);
}

static void
assert_rest(ScdRunQueue *run_queue, const char *expected)
{
    g_autofree char *order = rest_of(run_queue);
    g_assert_cmpstr(order, ==, expected);
    g_assert_null(scd_run_queue_next(run_queue));
    scd_run_queue_clear(run_queue);
}

static void
wait_for(ScdRunQueue *run_queue, const char *names)
{
    scd_run_queue_init(run_queue);
    for (; *names; names++)
        scd_run_queue_enqueue(run_queue, named(*names));
}

static void
test_first_come_first_served(void)
{
    ScdRunQueue run_queue;
    wait_for(&run_queue, "CABD");
    assert_rest(&run_queue, "CABD");
}

static void
test_who_waits_keeps_its_place(void)
{
    ScdRunQueue run_queue;
    wait_for(&run_queue, "ABABA");
    assert_rest(&run_queue, "AB");
}

static void
test_who_had_a_turn_goes_to_the_end(void)
{
    ScdRunQueue run_queue;
    wait_for(&run_queue, "ABC");
    scd_run_queue_dequeue(&run_queue, named('A'));
    scd_run_queue_enqueue(&run_queue, named('A'));
    assert_rest(&run_queue, "BCA");
}

static void
test_holder_goes_first_and_needs_no_place(void)
{
    ScdRunQueue run_queue;
    wait_for(&run_queue, "AB");
    scd_run_queue_dequeue(&run_queue, named('A'));
    run_queue.holder = named('A');
    scd_run_queue_enqueue(&run_queue, named('A'));
    g_assert_true(scd_run_queue_next(&run_queue) == named('A'));
    g_assert_true(scd_run_queue_has_waiting(&run_queue));
    assert_rest(&run_queue, "AB");
}

static void
test_holder_alone_keeps_nobody_waiting(void)
{
    ScdRunQueue run_queue;
    wait_for(&run_queue, "");
    run_queue.holder = named('A');
    g_assert_false(scd_run_queue_has_waiting(&run_queue));
    assert_rest(&run_queue, "A");
}

static void
test_end_goes_before_the_others(void)
{
    ScdRunQueue run_queue;
    wait_for(&run_queue, "ABC");
    scd_run_queue_enqueue_first(&run_queue, named('C'));
    assert_rest(&run_queue, "CAB");
}

static void
test_end_of_another_waits_for_the_holder(void)
{
    ScdRunQueue run_queue;
    wait_for(&run_queue, "BC");
    run_queue.holder = named('A');
    scd_run_queue_enqueue_first(&run_queue, named('C'));
    assert_rest(&run_queue, "ACB");
}

static void
test_who_left_is_forgotten(void)
{
    ScdRunQueue run_queue;
    wait_for(&run_queue, "ABC");
    run_queue.holder = named('A');
    scd_run_queue_remove(&run_queue, named('A'));
    scd_run_queue_remove(&run_queue, named('B'));
    assert_rest(&run_queue, "C");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run_queue/order", test_first_come_first_served);
    g_test_add_func("/run_queue/place", test_who_waits_keeps_its_place);
    g_test_add_func("/run_queue/round", test_who_had_a_turn_goes_to_the_end);
    g_test_add_func("/run_queue/holder", test_holder_goes_first_and_needs_no_place);
    g_test_add_func("/run_queue/holder-alone", test_holder_alone_keeps_nobody_waiting);
    g_test_add_func("/run_queue/end", test_end_goes_before_the_others);
    g_test_add_func("/run_queue/end-holder", test_end_of_another_waits_for_the_holder);
    g_test_add_func("/run_queue/left", test_who_left_is_forgotten);
    return g_test_run();
}
