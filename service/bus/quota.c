/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/quota.h"

struct ScdSessionLimits {
    ScdWorkers *workers;
    ScdUserLimit *queues; /* that have not been freed: see QueueCharges */
    ScdUserLimit *memory;
};

/* As many that are being closed as there may be open ones. */
static ScdUserLimit *
new_queue_limit(const ScdConfig *config)
{
    const ScdLimitRule per_user = {"sessions of one user that are open or being closed",
                                   "twice SessionsPerUser", 2 * (gsize)config->sessions_per_user};
    const ScdLimitRule in_all = {"sessions that are open or being closed", "twice Sessions",
                                 2 * (gsize)config->sessions};

    return scd_user_limit_new(&per_user, &in_all);
}

static ScdUserLimit *
new_memory_limit(const ScdConfig *config)
{
    const ScdLimitRule per_user = {"bytes of memory of one user", "MemoryPerUser",
                                   config->memory_per_user};
    const ScdLimitRule in_all = {"bytes of memory", "Memory", config->memory};

    return scd_user_limit_new(&per_user, &in_all);
}

ScdSessionLimits *
scd_session_limits_new(ScdWorkers *workers, const ScdConfig *config)
{
    ScdSessionLimits *limits = g_new0(ScdSessionLimits, 1);

    limits->workers = workers;
    limits->queues = new_queue_limit(config);
    limits->memory = new_memory_limit(config);
    return limits;
}

void
scd_session_limits_free(ScdSessionLimits *limits)
{
    scd_user_limit_free(limits->queues);
    scd_user_limit_release(limits->memory); /* GDBus may still be sending responses */
    g_free(limits);
}

ScdAccount *
scd_session_limits_get_account(ScdSessionLimits *limits, guint32 uid)
{
    return scd_user_limit_get_account(limits->memory, uid);
}

/*
 * A session that ends may leave its queue behind: the worker may be inside libpcsclite for long.
 * The queue has these charges until the worker has freed it.
 */
typedef struct {
    ScdUserCharge number;
    ScdUserCharge memory;
} QueueCharges;

static void
free_queue_charges(gpointer data)
{
    QueueCharges *charges = data;

    scd_user_charge_give_back(&charges->number);
    scd_user_charge_give_back(&charges->memory);
    g_free(charges);
}

ScdJobQueue *
scd_session_limits_new_queue(ScdSessionLimits *limits, guint32 uid, const char *reader,
                             GError **error)
{
    QueueCharges *charges = g_new0(QueueCharges, 1);
    ScdJobQueue *queue = NULL;

    if (scd_user_charge_take(&charges->number, limits->queues, uid, 1, error) &&
        scd_user_charge_take(&charges->memory, limits->memory, uid, SCD_SESSION_COST, error))
        queue =
            scd_workers_new_queue(limits->workers, reader, uid, free_queue_charges, charges, error);
    if (!queue)
        free_queue_charges(charges);
    return queue;
}
