/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/limit.h"

#define MOST 3
#define WINDOW_US 100

static void
test_one_user(void)
{
    g_autoptr(ScdRateLimit) rate_limit = scd_rate_limit_new(MOST, WINDOW_US);

    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 10), ==, SCD_RATE_LIMIT_LEFT);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 10), ==, SCD_RATE_LIMIT_LEFT);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 20), ==, SCD_RATE_LIMIT_LAST);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 20), ==, SCD_RATE_LIMIT_SPENT);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 10 + WINDOW_US - 1), ==,
                    SCD_RATE_LIMIT_SPENT);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 10 + WINDOW_US), ==, SCD_RATE_LIMIT_LEFT);
}

static void
test_users_apart(void)
{
    g_autoptr(ScdRateLimit) rate_limit = scd_rate_limit_new(MOST, WINDOW_US);

    for (guint i = 0; i < MOST; i++)
        scd_rate_limit_spend(rate_limit, "1", 0);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 0), ==, SCD_RATE_LIMIT_SPENT);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "0", 0), ==, SCD_RATE_LIMIT_LEFT);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "G_MAXUINT32", 0), ==, SCD_RATE_LIMIT_LEFT);
}

static void
test_least(void)
{
    g_autoptr(ScdRateLimit) rate_limit = scd_rate_limit_new(1, WINDOW_US);

    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 0), ==, SCD_RATE_LIMIT_LAST);
    g_assert_cmpint(scd_rate_limit_spend(rate_limit, "1", 0), ==, SCD_RATE_LIMIT_SPENT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rate_limit/one-user", test_one_user);
    g_test_add_func("/rate_limit/users-apart", test_users_apart);
    g_test_add_func("/rate_limit/least", test_least);
    return g_test_run();
}
