/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/limit.h"

#include "base/error.h"

static const ScdLimitRule two_of_user = {"things of one user", "ThingsPerUser", 2};
static const ScdLimitRule three_in_all = {"things", "Things", 3};

static void
assert_exceeded(const GError *error, const char *message)
{
    g_assert_error(error, SCD_ERROR, SCD_LIMITS_EXCEEDED);
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_amounts(void)
{
    ScdLimit limit;
    ScdCharge first = {0}, second = {0}, nothing = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) overflow_error = NULL;

    scd_limit_init(&limit, &(ScdLimitRule){"bytes", "Bytes", 10});
    g_assert_true(scd_limit_is_unused(&limit));
    g_assert_true(scd_charge_take(&first, &limit, 7, NULL));
    g_assert_false(scd_limit_is_unused(&limit));
    g_assert_false(scd_charge_take(&second, &limit, 4, &error));
    assert_exceeded(error, "at most 10 bytes (Bytes in smartcardd.conf)");
    g_assert_false(scd_charge_take(&second, &limit, G_MAXSIZE, &overflow_error));
    assert_exceeded(overflow_error, "at most 10 bytes (Bytes in smartcardd.conf)");
    g_assert_true(scd_charge_take(&second, &limit, 3, NULL));
    g_assert_true(scd_charge_take(&nothing, &limit, 0, NULL));

    scd_charge_give_back(&first);
    g_assert_true(scd_charge_take(&first, &limit, 7, NULL));
    scd_charge_give_back(&first);
    scd_charge_give_back(&second);
    scd_charge_give_back(&nothing);
    scd_limit_clear(&limit);
}

/* A destructor may release a charge that was never taken. */
static void
test_empty_charges(void)
{
    ScdLimit limit;
    ScdCharge charge = {0};
    ScdUserCharge user_charge = {0};

    scd_limit_init(&limit, &three_in_all);
    scd_charge_give_back(&charge);
    g_assert_true(scd_charge_take(&charge, &limit, 3, NULL));
    scd_charge_give_back(&charge);
    scd_charge_give_back(&charge);
    scd_user_charge_give_back(&user_charge);
    scd_limit_clear(&limit);
}

static void
test_limit_in_use_is_not_cleared(void)
{
    if (g_test_subprocess()) {
        ScdLimit limit;
        ScdCharge charge = {0};

        scd_limit_init(&limit, &three_in_all);
        scd_charge_take(&charge, &limit, 1, NULL);
        scd_limit_clear(&limit);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*scd_limit_is_unused*");
}

static void
test_users(void)
{
    g_autoptr(ScdUserLimit) limit = scd_user_limit_new(&two_of_user, &three_in_all);
    ScdUserCharge charges[5] = {0};
    g_autoptr(GError) user_error = NULL;
    g_autoptr(GError) all_error = NULL;
    g_autoptr(GError) other_error = NULL;

    g_assert_true(scd_user_charge_take(&charges[0], limit, 0, 1, NULL));
    g_assert_true(scd_user_charge_take(&charges[1], limit, 0, 1, NULL));
    g_assert_false(scd_user_charge_take(&charges[2], limit, 0, 1, &user_error));
    assert_exceeded(user_error, "at most 2 things of one user (ThingsPerUser in smartcardd.conf)");
    g_assert_true(scd_user_charge_take(&charges[2], limit, G_MAXUINT32, 1, NULL));
    g_assert_false(scd_user_charge_take(&charges[3], limit, G_MAXUINT32, 1, &all_error));
    assert_exceeded(all_error, "at most 3 things (Things in smartcardd.conf)");

    /* No entry remains for a user without a charge: freeing the limit would fail. */
    g_assert_false(scd_user_charge_take(&charges[3], limit, 1000, 1, &other_error));
    assert_exceeded(other_error, "at most 3 things (Things in smartcardd.conf)");

    scd_user_charge_give_back(&charges[0]);
    g_assert_true(scd_user_charge_take(&charges[3], limit, G_MAXUINT32, 1, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(charges); i++)
        scd_user_charge_give_back(&charges[i]);
}

/* A charge that shrinks, and one that exceeds the limit. */
static void
test_bytes_of_users(void)
{
    static const ScdLimitRule ten_of_user = {"bytes of one user", "BytesPerUser", 10};
    static const ScdLimitRule fifteen_in_all = {"bytes", "Bytes", 15};
    g_autoptr(ScdUserLimit) limit = scd_user_limit_new(&ten_of_user, &fifteen_in_all);
    g_autoptr(ScdAccount) account = scd_user_limit_get_account(limit, 1000);
    ScdUserCharge charge = {0}, more = {0}, other = {0}, forced = {0};
    g_autoptr(GError) user_error = NULL;
    g_autoptr(GError) all_error = NULL;

    g_assert_true(scd_user_charge_take_from(&charge, account, 10, NULL));
    g_assert_false(scd_user_charge_take_from(&more, account, 1, &user_error));
    assert_exceeded(user_error, "at most 10 bytes of one user (BytesPerUser in smartcardd.conf)");
    g_assert_false(scd_user_charge_take(&other, limit, 1001, 6, &all_error));
    assert_exceeded(all_error, "at most 15 bytes (Bytes in smartcardd.conf)");
    scd_user_charge_reduce(&charge, 1);
    g_assert_true(scd_account_has_room(account, 1));
    g_assert_false(scd_account_has_room(account, 2));
    g_assert_true(scd_user_charge_take(&other, limit, 1001, 6, NULL));
    g_assert_false(scd_account_has_room(account, 1));

    scd_user_charge_force(&forced, account, 100);
    g_assert_false(scd_account_has_room(account, 0));
    g_assert_false(scd_user_charge_take_from(&more, account, 0, NULL));
    scd_user_charge_give_back(&forced);
    scd_user_charge_give_back(&other);
    g_assert_true(scd_user_charge_take_from(&more, account, 1, NULL));
    scd_user_charge_give_back(&more);
    scd_user_charge_give_back(&charge);
}

/* Freed with its last charge: a sanitizer detects when it is not, or is used afterwards. */
static void
test_released_limit(void)
{
    ScdUserLimit *limit = scd_user_limit_new(&two_of_user, &three_in_all);
    ScdUserCharge charges[2] = {0};

    scd_user_limit_release(scd_user_limit_new(&two_of_user, &three_in_all));
    g_assert_true(scd_user_charge_take(&charges[0], limit, 0, 1, NULL));
    g_assert_true(scd_user_charge_take(&charges[1], limit, 1000, 1, NULL));
    scd_user_limit_release(limit);
    scd_user_charge_give_back(&charges[1]);
    scd_user_charge_give_back(&charges[0]);
}

#define N_THREADS 4
#define N_ROUNDS 20000

typedef struct {
    ScdLimit limit;
    ScdUserLimit *users;
} SharedLimit;

/* Freeing the limits fails if a charge was lost; the thread sanitizer detects races. */
static gpointer
take_and_give_back_in_thread(gpointer data)
{
    SharedLimit *shared = data;
    guint n_taken = 0;

    for (guint i = 0; i < N_ROUNDS; i++) {
        ScdCharge charge = {0};
        ScdUserCharge user_charge = {0};

        n_taken += scd_charge_take(&charge, &shared->limit, 1 + i % 3, NULL);
        n_taken += scd_user_charge_take(&user_charge, shared->users, i % 2, 1, NULL);
        scd_charge_give_back(&charge);
        scd_user_charge_give_back(&user_charge);
    }
    return GUINT_TO_POINTER(n_taken);
}

static void
test_threads(void)
{
    SharedLimit shared = {.users = scd_user_limit_new(&two_of_user, &three_in_all)};
    GThread *threads[N_THREADS];

    scd_limit_init(&shared.limit, &three_in_all);
    for (guint i = 0; i < N_THREADS; i++)
        threads[i] = g_thread_new("charges", take_and_give_back_in_thread, &shared);
    for (guint i = 0; i < N_THREADS; i++)
        g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(threads[i])), >, 0);
    scd_limit_clear(&shared.limit);
    scd_user_limit_free(shared.users);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limit/amounts", test_amounts);
    g_test_add_func("/limit/empty-charges", test_empty_charges);
    g_test_add_func("/limit/limit-in-use-is-not-cleared", test_limit_in_use_is_not_cleared);
    g_test_add_func("/limit/users", test_users);
    g_test_add_func("/limit/bytes-of-users", test_bytes_of_users);
    g_test_add_func("/limit/released-limit", test_released_limit);
    g_test_add_func("/limit/threads", test_threads);
    return g_test_run();
}
