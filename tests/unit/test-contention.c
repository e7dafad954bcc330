/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When the service leaves a card to other programs. Times in microseconds. */

#include "pcsc/scheduler.h"

#define START 1000000
#define MS 1000
#define SHORT_REST 200

/* Transactions without any gap, until the service leaves one; gives how long it was in use. */
static gint64
use_until_rest(ScdContention *contention, gint64 *now, gint64 turn)
{
    gint64 begin = *now;

    do {
        scd_contention_begin(contention, *now);
        *now += turn;
        scd_contention_end(contention, *now);
    } while (scd_contention_retry_at(contention, TRUE) <= *now);
    return *now - begin;
}

static void
test_looks_become_rare(void)
{
    ScdContention contention = {0};
    gint64 now = START;

    for (gint64 pause = 500; pause <= 8000; pause *= 2) {
        scd_contention_busy(&contention, now);
        g_assert_cmpint(scd_contention_retry_at(&contention, FALSE), ==, now + pause);
        now += pause;
    }
    for (int i = 0; i < 3; i++) {
        scd_contention_busy(&contention, now);
        g_assert_cmpint(scd_contention_retry_at(&contention, TRUE), ==, now + 10 * MS);
    }
    scd_contention_free(&contention);
    g_assert_cmpint(scd_contention_retry_at(&contention, TRUE), <=, now);
    scd_contention_busy(&contention, now);
    g_assert_cmpint(scd_contention_retry_at(&contention, FALSE), ==, now + 500);
}

static void
test_short_rests_when_alone(void)
{
    ScdContention contention = {0};
    gint64 now = START;

    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(use_until_rest(&contention, &now, 4 * MS), ==, 12 * MS);
        g_assert_cmpint(scd_contention_retry_at(&contention, TRUE), ==, now + SHORT_REST);
        /* Transactions with gaps between them keep no other program out. */
        g_assert_cmpint(scd_contention_retry_at(&contention, FALSE), <=, now);
        now += SHORT_REST;
    }
}

static void
test_a_gap_is_a_rest(void)
{
    ScdContention contention = {0};
    gint64 now = START;

    for (int i = 0; i < 100; i++, now += 9 * MS) {
        scd_contention_begin(&contention, now);
        scd_contention_end(&contention, now + 8 * MS);
        g_assert_cmpint(scd_contention_retry_at(&contention, TRUE), <=, now + 8 * MS);
    }
}

static void
test_long_rests_beside_others(void)
{
    ScdContention contention = {0};
    gint64 now = START;

    scd_contention_busy(&contention, now);
    scd_contention_free(&contention);
    g_assert_cmpint(use_until_rest(&contention, &now, 10 * MS), ==, 1000 * MS);
    g_assert_cmpint(scd_contention_retry_at(&contention, TRUE), ==, now + 220 * MS);

    /* A program that was not seen for long does not use the card any more. */
    now += 10000 * MS;
    g_assert_cmpint(use_until_rest(&contention, &now, 4 * MS), ==, 12 * MS);
    g_assert_cmpint(scd_contention_retry_at(&contention, TRUE), ==, now + SHORT_REST);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/contention/looks-become-rare", test_looks_become_rare);
    g_test_add_func("/contention/short-rests-when-alone", test_short_rests_when_alone);
    g_test_add_func("/contention/a-gap-is-a-rest", test_a_gap_is_a_rest);
    g_test_add_func("/contention/long-rests-beside-others", test_long_rests_beside_others);
    return g_test_run();
}
