/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/limit.h"

#define SECOND G_USEC_PER_SEC

static const ScdTokenRate rate = {100, 250};

/* Takes tokens one by one, and returns how many there were. */
static guint
take_all(ScdTokenBucket *bucket, gint64 now_us)
{
    guint taken = 0;

    for (; scd_token_bucket_has(bucket, &rate, now_us); taken++)
        scd_token_bucket_take(bucket, &rate, 1, now_us);
    return taken;
}

static void
test_burst_and_rate(void)
{
    ScdTokenBucket bucket = {0};

    g_assert_true(scd_token_bucket_is_full(&bucket, 10 * SECOND));
    g_assert_cmpuint(take_all(&bucket, 10 * SECOND), ==, 250);
    g_assert_false(scd_token_bucket_is_full(&bucket, 10 * SECOND));
    g_assert_cmpuint(take_all(&bucket, 10 * SECOND + 9999), ==, 0);
    g_assert_cmpuint(take_all(&bucket, 10 * SECOND + 10000), ==, 1);
    g_assert_cmpuint(take_all(&bucket, 11 * SECOND), ==, 99);
    g_assert_cmpuint(take_all(&bucket, 100 * SECOND), ==, 250);
    g_assert_true(scd_token_bucket_is_full(&bucket, 103 * SECOND));
}

static void
test_tokens_come_back(void)
{
    ScdTokenBucket bucket = {0};

    take_all(&bucket, 10 * SECOND);
    scd_token_bucket_give_back(&bucket, &rate, 20);
    g_assert_cmpuint(take_all(&bucket, 10 * SECOND), ==, 20);
}

/* A bucket owes no tokens: it is full again after the time for a burst. */
static void
test_no_debt(void)
{
    ScdTokenBucket bucket = {0};

    scd_token_bucket_take(&bucket, &rate, 100000, 10 * SECOND);
    g_assert_cmpuint(take_all(&bucket, 10 * SECOND), ==, 0);
    g_assert_cmpuint(take_all(&bucket, 13 * SECOND), ==, 250);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/token-bucket/burst-and-rate", test_burst_and_rate);
    g_test_add_func("/token-bucket/tokens-come-back", test_tokens_come_back);
    g_test_add_func("/token-bucket/no-debt", test_no_debt);
    return g_test_run();
}
