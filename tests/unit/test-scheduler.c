/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order of turns. Entries are named by letters: a capital one has a job that needs the card, a
 * small one a job that does not. Users have numbers.
 */

#include "pcsc/scheduler.h"

#include <string.h>

#define N_ENTRIES 8

typedef struct {
    ScdScheduler scheduler;
    ScdSchedulerEntry entries[N_ENTRIES];
    char names[N_ENTRIES];
    gint64 costs[N_ENTRIES];
    guint n;
} SchedulerFixture;

static void
set_up(SchedulerFixture *fixture, gconstpointer data)
{
    scd_scheduler_init(&fixture->scheduler);
}

static void
tear_down(SchedulerFixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < fixture->n; i++)
        scd_scheduler_remove(&fixture->scheduler, &fixture->entries[i]);
    scd_scheduler_clear(&fixture->scheduler);
}

static ScdSchedulerEntry *
add(SchedulerFixture *fixture, guint32 uid, char name)
{
    guint at = fixture->n++;

    fixture->names[at] = name;
    scd_scheduler_add(&fixture->scheduler, &fixture->entries[at], uid, &fixture->names[at]);
    scd_scheduler_wait(&fixture->scheduler, &fixture->entries[at], g_ascii_isupper(name), FALSE);
    return &fixture->entries[at];
}

static guint
index_of(const SchedulerFixture *fixture, const char *name)
{
    return (guint)(name - fixture->names);
}

/* The next turns. An entry with a cost has always one more job; the others have one job only. */
static char *
run(SchedulerFixture *fixture, guint turns, gboolean card_ready)
{
    GString *order = g_string_new(NULL);
    const char *next;

    while (order->len < turns && (next = scd_scheduler_next(&fixture->scheduler, card_ready))) {
        guint at = index_of(fixture, next);
        ScdSchedulerEntry *entry = &fixture->entries[at];
        g_string_append_c(order, *next);
        scd_scheduler_begin(&fixture->scheduler, entry);
        scd_scheduler_charge(&fixture->scheduler, entry, fixture->costs[at]);
        if (fixture->costs[at])
            scd_scheduler_wait(&fixture->scheduler, entry, g_ascii_isupper(*next), FALSE);
        else
            scd_scheduler_rest(&fixture->scheduler, entry);
    }
    return g_string_free(order, FALSE);
}

static void
assert_order(SchedulerFixture *fixture, guint turns, const char *expected)
{
    g_autofree char *order = run(fixture, turns, TRUE);
    g_assert_cmpstr(order, ==, expected);
}

static void
set_cost(SchedulerFixture *fixture, gint64 cost_us)
{
    for (guint i = 0; i < fixture->n; i++)
        fixture->costs[i] = cost_us;
}

static guint
count(const char *order, char name)
{
    guint n = 0;
    for (; *order; order++)
        n += *order == name;
    return n;
}

static void
test_first_come_first_served(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'C');
    add(fixture, 2, 'A');
    add(fixture, 3, 'b');
    assert_order(fixture, 10, "CAb");
    g_assert_null(scd_scheduler_next(&fixture->scheduler, TRUE));
}

static void
test_waiting_twice_keeps_the_place(SchedulerFixture *fixture, gconstpointer data)
{
    ScdSchedulerEntry *first = add(fixture, 1, 'A');
    add(fixture, 2, 'B');
    scd_scheduler_wait(&fixture->scheduler, first, TRUE, FALSE);
    assert_order(fixture, 10, "AB");
}

static void
test_turns_go_by_user_and_then_by_entry(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'A');
    add(fixture, 1, 'B');
    add(fixture, 1, 'C');
    add(fixture, 2, 'Z');
    set_cost(fixture, 1);
    assert_order(fixture, 12, "AZBZCZAZBZCZ");
}

static void
test_jobs_of_all_kinds_take_turns(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'a');
    add(fixture, 2, 'Z');
    add(fixture, 1, 'B');
    set_cost(fixture, 1);
    assert_order(fixture, 8, "aZBZaZBZ");
}

static void
test_long_turns_are_paid_for(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'A');
    add(fixture, 2, 'Z');
    fixture->costs[0] = 10 * SCD_SCHEDULER_QUANTUM_US;
    fixture->costs[1] = SCD_SCHEDULER_QUANTUM_US;
    g_autofree char *order = run(fixture, 1100, TRUE);
    g_assert_cmpuint(count(order, 'A'), >=, 95);
    g_assert_cmpuint(count(order, 'A'), <=, 105);
}

static void
test_debt_is_limited(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'A');
    add(fixture, 2, 'Z');
    fixture->costs[0] = 3600 * G_TIME_SPAN_SECOND;
    fixture->costs[1] = SCD_SCHEDULER_QUANTUM_US;
    g_autofree char *order = run(fixture, 1005, TRUE);
    g_assert_cmpuint(count(order, 'A'), ==, 2);
}

static void
test_no_debt_while_alone(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'A');
    fixture->costs[0] = G_USEC_PER_SEC;
    assert_order(fixture, 3, "AAA");
    add(fixture, 2, 'Z');
    fixture->costs[1] = 1;
    assert_order(fixture, 2, "AZ");
}

static void
test_debt_ends_with_the_last_job(SchedulerFixture *fixture, gconstpointer data)
{
    ScdSchedulerEntry *entry = add(fixture, 1, 'A');
    add(fixture, 2, 'Z');
    fixture->costs[0] = G_USEC_PER_SEC;
    fixture->costs[1] = 1;
    assert_order(fixture, 3, "AZZ");
    scd_scheduler_rest(&fixture->scheduler, entry);
    scd_scheduler_wait(&fixture->scheduler, entry, TRUE, FALSE);
    assert_order(fixture, 2, "ZA");
}

static void
test_holder_goes_first(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 2, 'B');
    ScdSchedulerEntry *holder = add(fixture, 1, 'A');
    scd_scheduler_set_holder(&fixture->scheduler, holder);
    set_cost(fixture, 1);
    assert_order(fixture, 4, "AAAA");
    g_assert_true(scd_scheduler_holder_blocks(&fixture->scheduler));
    scd_scheduler_set_holder(&fixture->scheduler, NULL);
    g_assert_false(scd_scheduler_holder_blocks(&fixture->scheduler));
    assert_order(fixture, 2, "BA");
}

static void
test_holder_alternates_with_jobs_without_card(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 2, 'b');
    add(fixture, 2, 'C');
    add(fixture, 3, 'd');
    ScdSchedulerEntry *holder = add(fixture, 1, 'A');
    scd_scheduler_set_holder(&fixture->scheduler, holder);
    set_cost(fixture, 1);
    assert_order(fixture, 8, "bAdAbAdA");
}

static void
test_idle_holder_does_not_keep_jobs_without_card(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 2, 'b');
    add(fixture, 3, 'C');
    ScdSchedulerEntry *holder = add(fixture, 1, 'A');
    scd_scheduler_set_holder(&fixture->scheduler, holder);
    scd_scheduler_rest(&fixture->scheduler, holder);
    assert_order(fixture, 10, "b");
    g_assert_true(scd_scheduler_holder_blocks(&fixture->scheduler));
}

static void
test_holder_alone_blocks_none(SchedulerFixture *fixture, gconstpointer data)
{
    ScdSchedulerEntry *holder = add(fixture, 1, 'A');
    scd_scheduler_set_holder(&fixture->scheduler, holder);
    add(fixture, 2, 'b');
    g_assert_false(scd_scheduler_holder_blocks(&fixture->scheduler));
}

static void
test_only_jobs_without_card(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'A');
    add(fixture, 1, 'b');
    add(fixture, 2, 'C');
    g_autofree char *order = run(fixture, 10, FALSE);
    g_assert_cmpstr(order, ==, "b");
    assert_order(fixture, 10, "CA");
}

static void
test_first_is_next(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'A');
    add(fixture, 1, 'B');
    add(fixture, 2, 'C');
    ScdSchedulerEntry *closing = add(fixture, 2, 'D');
    scd_scheduler_wait(&fixture->scheduler, closing, TRUE, TRUE);
    assert_order(fixture, 10, "DACB");
}

static void
test_first_is_next_in_spite_of_debts(SchedulerFixture *fixture, gconstpointer data)
{
    ScdSchedulerEntry *closing = add(fixture, 1, 'A');
    add(fixture, 1, 'B');
    add(fixture, 2, 'Z');
    set_cost(fixture, G_USEC_PER_SEC);
    assert_order(fixture, 3, "AZB");
    scd_scheduler_wait(&fixture->scheduler, closing, TRUE, TRUE);
    fixture->costs[0] = 0;
    assert_order(fixture, 1, "A");
}

static void
test_removed_holder_is_forgotten(SchedulerFixture *fixture, gconstpointer data)
{
    add(fixture, 1, 'A');
    ScdSchedulerEntry *holder = add(fixture, 2, 'B');
    scd_scheduler_set_holder(&fixture->scheduler, holder);
    scd_scheduler_remove(&fixture->scheduler, holder);
    fixture->n--;
    g_assert_null(fixture->scheduler.holder);
    assert_order(fixture, 10, "A");
}

static void
test_change_of_kind(SchedulerFixture *fixture, gconstpointer data)
{
    ScdSchedulerEntry *entry = add(fixture, 1, 'A');
    scd_scheduler_wait(&fixture->scheduler, entry, FALSE, FALSE);
    g_autofree char *order = run(fixture, 10, FALSE);
    g_assert_cmpstr(order, ==, "A");
    g_assert_cmpuint(fixture->scheduler.n_card, ==, 0);
}

/* Random operations against a plain list: nothing that waits is lost or comes twice. */
static void
test_random(SchedulerFixture *fixture, gconstpointer data)
{
    gboolean waits[N_ENTRIES] = {FALSE};
    g_autoptr(GRand) dice = g_rand_new_with_seed(1);

    for (guint i = 0; i < N_ENTRIES; i++)
        scd_scheduler_rest(&fixture->scheduler, add(fixture, i % 3, 'A'));
    for (guint step = 0; step < 200000; step++) {
        guint at = (guint)g_rand_int_range(dice, 0, N_ENTRIES);
        ScdSchedulerEntry *entry = &fixture->entries[at];
        switch (g_rand_int_range(dice, 0, 4)) {
        case 0:
            waits[at] = TRUE;
            scd_scheduler_wait(&fixture->scheduler, entry, g_rand_boolean(dice),
                               g_rand_boolean(dice));
            break;
        case 1:
            waits[at] = FALSE;
            scd_scheduler_rest(&fixture->scheduler, entry);
            break;
        case 2:
            scd_scheduler_set_holder(&fixture->scheduler, g_rand_boolean(dice) ? entry : NULL);
            break;
        default: {
            const char *next = scd_scheduler_next(&fixture->scheduler, g_rand_boolean(dice));
            if (!next)
                break;
            at = index_of(fixture, next);
            g_assert_true(waits[at]);
            waits[at] = FALSE;
            scd_scheduler_begin(&fixture->scheduler, &fixture->entries[at]);
            scd_scheduler_charge(&fixture->scheduler, &fixture->entries[at],
                                 g_rand_int_range(dice, 0, 100000));
            scd_scheduler_rest(&fixture->scheduler, &fixture->entries[at]);
        }
        }
    }
    scd_scheduler_set_holder(&fixture->scheduler, NULL);
    guint left = 0;
    for (guint i = 0; i < N_ENTRIES; i++)
        left += waits[i];
    g_autofree char *order = run(fixture, 100, TRUE);
    g_assert_cmpuint(strlen(order), ==, left);
}

static void
add_test(const char *path, void (*test)(SchedulerFixture *, gconstpointer))
{
    g_test_add(path, SchedulerFixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_test("/scheduler/order", test_first_come_first_served);
    add_test("/scheduler/place", test_waiting_twice_keeps_the_place);
    add_test("/scheduler/users", test_turns_go_by_user_and_then_by_entry);
    add_test("/scheduler/kinds", test_jobs_of_all_kinds_take_turns);
    add_test("/scheduler/debt", test_long_turns_are_paid_for);
    add_test("/scheduler/debt-limit", test_debt_is_limited);
    add_test("/scheduler/debt-alone", test_no_debt_while_alone);
    add_test("/scheduler/debt-end", test_debt_ends_with_the_last_job);
    add_test("/scheduler/holder", test_holder_goes_first);
    add_test("/scheduler/holder-alternates", test_holder_alternates_with_jobs_without_card);
    add_test("/scheduler/holder-idle", test_idle_holder_does_not_keep_jobs_without_card);
    add_test("/scheduler/holder-alone", test_holder_alone_blocks_none);
    add_test("/scheduler/without-card", test_only_jobs_without_card);
    add_test("/scheduler/first", test_first_is_next);
    add_test("/scheduler/first-debt", test_first_is_next_in_spite_of_debts);
    add_test("/scheduler/removed-holder", test_removed_holder_is_forgotten);
    add_test("/scheduler/change", test_change_of_kind);
    add_test("/scheduler/random", test_random);
    return g_test_run();
}
