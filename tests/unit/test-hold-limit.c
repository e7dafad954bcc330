/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/scheduler.h"

#define S G_TIME_SPAN_SECOND

static ScdHoldLimit
begin_at(gint64 now)
{
    ScdHoldLimit limit;

    scd_hold_limit_init(&limit, 5000, 60000);
    scd_hold_limit_begin(&limit, now);
    return limit;
}

static void
test_nobody_waits(void)
{
    ScdHoldLimit limit = begin_at(100 * S);

    g_assert_cmpint(scd_hold_limit_idle_end(&limit), ==, G_MAXINT64);
    g_assert_cmpint(scd_hold_limit_total_end(&limit), ==, G_MAXINT64);
}

static void
test_idle(void)
{
    ScdHoldLimit limit = begin_at(100 * S);

    scd_hold_limit_set_blocking(&limit, TRUE, 101 * S);
    g_assert_cmpint(scd_hold_limit_idle_end(&limit), ==, 105 * S);
    scd_hold_limit_command_ended(&limit, 103 * S);
    g_assert_cmpint(scd_hold_limit_idle_end(&limit), ==, 108 * S);
    scd_hold_limit_add_busy(&limit, 20 * S);
    g_assert_cmpint(scd_hold_limit_idle_end(&limit), ==, 128 * S);
}

static void
test_idle_before_others_wait(void)
{
    ScdHoldLimit limit = begin_at(100 * S);

    scd_hold_limit_set_blocking(&limit, TRUE, 200 * S);
    g_assert_cmpint(scd_hold_limit_idle_end(&limit), ==, 105 * S);
}

static void
test_total_is_added_up(void)
{
    ScdHoldLimit limit = begin_at(100 * S);

    scd_hold_limit_set_blocking(&limit, TRUE, 110 * S);
    g_assert_cmpint(scd_hold_limit_total_end(&limit), ==, 170 * S);
    scd_hold_limit_set_blocking(&limit, TRUE, 111 * S);
    scd_hold_limit_command_ended(&limit, 130 * S);
    g_assert_cmpint(scd_hold_limit_total_end(&limit), ==, 170 * S);
    scd_hold_limit_set_blocking(&limit, FALSE, 140 * S);
    g_assert_cmpint(scd_hold_limit_total_end(&limit), ==, G_MAXINT64);
    scd_hold_limit_set_blocking(&limit, TRUE, 200 * S);
    g_assert_cmpint(scd_hold_limit_total_end(&limit), ==, 230 * S);
}

static void
test_next_transaction(void)
{
    ScdHoldLimit limit = begin_at(100 * S);

    scd_hold_limit_set_blocking(&limit, TRUE, 100 * S);
    scd_hold_limit_set_blocking(&limit, FALSE, 150 * S);
    scd_hold_limit_begin(&limit, 200 * S);
    scd_hold_limit_set_blocking(&limit, TRUE, 200 * S);
    g_assert_cmpint(scd_hold_limit_idle_end(&limit), ==, 205 * S);
    g_assert_cmpint(scd_hold_limit_total_end(&limit), ==, 260 * S);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hold-limit/alone", test_nobody_waits);
    g_test_add_func("/hold-limit/idle", test_idle);
    g_test_add_func("/hold-limit/idle-before", test_idle_before_others_wait);
    g_test_add_func("/hold-limit/total", test_total_is_added_up);
    g_test_add_func("/hold-limit/next", test_next_transaction);
    return g_test_run();
}
