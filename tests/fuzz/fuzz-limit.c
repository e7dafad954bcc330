/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any sequence of charges of two users, compared with sums of the same amounts. */

#include "base/limit.h"

#include "base/error.h"
#include "fuzz.h"

#define USERS 2
#define CHARGES 8
#define USER_MOST 100
#define MOST 150

typedef struct {
    ScdUserLimit *limit;
    ScdUserCharge charges[USERS][CHARGES];
} Charges;

static gsize
sum_user(const Charges *all, guint user)
{
    gsize sum = 0;

    for (guint i = 0; i < CHARGES; i++)
        sum += all->charges[user][i].amount;
    return sum;
}

static void
take_charge(Charges *all, guint user, ScdUserCharge *charge, gsize amount)
{
    g_autoptr(GError) error = NULL;
    gsize of_user = sum_user(all, user);
    gsize of_all = sum_user(all, 0) + sum_user(all, 1);
    gboolean has_room = of_user <= USER_MOST && amount <= USER_MOST - of_user && of_all <= MOST &&
                        amount <= MOST - of_all;

    g_assert_cmpint(scd_user_charge_take(charge, all->limit, user, amount, &error), ==, has_room);
    scd_fuzz_assert_result(has_room, error);
    if (!has_room)
        g_assert_error(error, SCD_ERROR, SCD_LIMITS_EXCEEDED);
}

static void
force_charge(Charges *all, guint user, ScdUserCharge *charge, gsize amount)
{
    g_autoptr(ScdAccount) account = scd_user_limit_get_account(all->limit, user);

    scd_user_charge_force(charge, account, amount);
    g_assert_cmpuint(charge->amount, ==, amount);
}

static void
change_charge(Charges *all, ScdFuzzInput *input)
{
    guint user = scd_fuzz_pick(input, USERS);
    ScdUserCharge *charge = &all->charges[user][scd_fuzz_pick(input, CHARGES)];
    guint operation = scd_fuzz_pick(input, 5);
    gsize amount = scd_fuzz_take_byte(input);

    switch (operation) {
    case 0:
        scd_user_charge_give_back(charge);
        take_charge(all, user, charge, amount);
        break;
    case 1:
        scd_user_charge_give_back(charge);
        force_charge(all, user, charge, amount);
        break;
    case 2:
        if (charge->account != NULL)
            scd_user_charge_reduce(charge, MIN(amount, charge->amount));
        break;
    case 3:
        *charge = scd_user_charge_steal(charge);
        break;
    default:
        scd_user_charge_give_back(charge);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const ScdLimitRule per_user = {"things of one user", "ThingsPerUser", USER_MOST};
    const ScdLimitRule in_all = {"things", "Things", MOST};
    Charges all = {.limit = scd_user_limit_new(&per_user, &in_all)};
    ScdFuzzInput input = {data, size};

    while (input.size > 0)
        change_charge(&all, &input);
    for (guint user = 0; user < USERS; user++) {
        for (guint i = 0; i < CHARGES; i++)
            scd_user_charge_give_back(&all.charges[user][i]);
    }
    scd_user_limit_free(all.limit); /* asserts that nothing is charged */
    return 0;
}
