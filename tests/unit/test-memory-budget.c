/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Adds up all that users can make the service hold, and what it takes itself, and compares the sums
 * with the limits in the unit file. With other defaults in smartcardd.conf or other constants in
 * the source, the unit file has to change as well.
 */

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "bus/bus-packet.h"
#include "bus/bus-stream.h"
#include "bus/gate.h"
#include "bus/sessions.h"
#include "pcsc/channel.h"
#include "pcsc/probe.h"
#include "pcsc/workers.h"

#define KIB ((guint64)1024)
#define MIB (1024 * KIB)

/* A machine with so many readers is supported. */
#define READERS 1000

/* Memory of the program without any reader or client; about 8 MiB, measured. */
#define BASE (16 * MIB)

/* A reader with its card in the tree takes 10 KiB, measured; announcing it takes more for a while.
 */
#define READER_COST (32 * KIB)

/* Two allocations and an element of a queue. */
#define REFUSAL_COST 128

/* The stack that is in use, and the heap of the thread: of a worker, and of a short task. */
#define THREAD_COST (64 * KIB)
#define TASK_COST (16 * KIB)

/* main, gdbus, gmain, a pool of GIO, monitor, canceller, card-list, aliases, relocation,
 * seats */
#define OTHER_THREADS 16

/* The bus, eventfd of main contexts, the monitor's socket, timer and eventfd, the journal, the
 * watches on the socket of pcscd and on the records of udev, a file that is being written. */
#define OTHER_DESCRIPTORS 32

/* The wake-up and the socket of a worker; the service's end of a channel, and the client's until
 * the reply has been sent; a probe's socket and files. */
#define WORKER_DESCRIPTORS 2
#define CHANNEL_DESCRIPTORS 2
#define PROBE_DESCRIPTORS 6

static guint64
read_unit_setting(const char *name)
{
    g_autofree char *text = NULL;
    g_autofree char *line_start = g_strdup_printf("\n%s=", name);
    g_autoptr(GError) error = NULL;
    char *end;

    g_file_get_contents(UNIT_FILE, &text, NULL, &error);
    g_assert_no_error(error);
    const char *line = strstr(text, line_start);
    g_assert_nonnull(line);
    guint64 number = strtoull(line + strlen(line_start), &end, 10);
    switch (*end) {
    case 'M':
        return number * MIB;
    case 'K':
        return number * KIB;
    default:
        g_assert_cmpint(*end, ==, '\n');
        return number;
    }
}

typedef struct {
    const char *text;
    guint64 amount;
} BudgetItem;

static guint64
add_items(const BudgetItem *items, gsize n_items)
{
    guint64 sum = 0;

    for (gsize i = 0; i < n_items; i++) {
        g_test_message("%12" G_GUINT64_FORMAT "  %s", items[i].amount, items[i].text);
        sum += items[i].amount;
    }
    g_test_message("%12" G_GUINT64_FORMAT "  in all", sum);
    return sum;
}

static void
test_memory(void)
{
    ScdConfig config;

    scd_config_set_defaults(&config);
    const BudgetItem items[] = {
        {"calls that wait for their replies (gate)", SCD_GATE_ALL_BYTES_MAX},
        {"sessions, channels, jobs, responses (Memory)", config.memory},
        {"responses beyond that limit, one for each worker", SCD_WORKERS_MAX * SCD_RESPONSE_MAX},
        {"answers of channels in the kernel", config.sessions * (guint64)SCD_CHANNEL_SOCKET_COST},
        {"the message that is being received, and GDBus's copy", 2 * scd_gate_message_max()},
        {"the message that is being sent", SCD_BUS_OUTPUT_MESSAGE_MAX},
        {"messages that pass GDBus by", SCD_BUS_OUTPUT_PACKETS_MAX * 2 * KIB},
        {"errors for refused calls", SCD_REFUSALS_MAX * REFUSAL_COST},
        {"buffers of the workers",
         SCD_WORKERS_MAX * (guint64)(SCD_CHANNEL_BUFFER + SCD_PCSC_BUFFER_SIZE)},
        {"threads", (SCD_WORKERS_MAX + SCD_DRIVER_PROBES_MAX + OTHER_THREADS) * THREAD_COST},
        {"probes of the kernel", READERS * TASK_COST},
        {"tree", READERS * READER_COST},
        {"program", BASE},
    };

    g_assert_cmpuint(add_items(items, G_N_ELEMENTS(items)), <, read_unit_setting("MemoryMax"));
}

static void
test_memory_of_a_user(void)
{
    ScdConfig config;

    scd_config_set_defaults(&config);
    g_assert_cmpuint((SCD_GATE_USER_BYTES_MAX + SCD_GATE_POOL_BYTES_MAX), <=, 16 * MIB);
    g_assert_cmpuint((SCD_GATE_USER_BYTES_MAX + SCD_GATE_POOL_BYTES_MAX) + config.memory_per_user,
                     <=, 64 * MIB);

    /* No user alone exhausts the limit for all users, and each session of a user may have a
     * channel. */
    g_assert_cmpuint(2 * (SCD_GATE_USER_BYTES_MAX + SCD_GATE_POOL_BYTES_MAX), <=,
                     SCD_GATE_ALL_BYTES_MAX);
    g_assert_cmpuint(2 * config.memory_per_user, <=, config.memory);
    g_assert_cmpuint(config.sessions_per_user * (guint64)(SCD_SESSION_COST + SCD_CHANNEL_COST), <=,
                     config.memory_per_user);
}

static void
test_tasks(void)
{
    const BudgetItem items[] = {
        {"workers", SCD_WORKERS_MAX},
        {"probes", SCD_DRIVER_PROBES_MAX + READERS},
        {"others", OTHER_THREADS},
    };

    g_assert_cmpuint(add_items(items, G_N_ELEMENTS(items)), <, read_unit_setting("TasksMax"));
}

static void
test_descriptors(void)
{
    ScdConfig config;

    scd_config_set_defaults(&config);
    const BudgetItem items[] = {
        {"workers", SCD_WORKERS_MAX * WORKER_DESCRIPTORS},
        {"channels", config.sessions * CHANNEL_DESCRIPTORS},
        {"probes", (SCD_DRIVER_PROBES_MAX + READERS) * PROBE_DESCRIPTORS},
        {"others", OTHER_DESCRIPTORS},
    };

    g_assert_cmpuint(add_items(items, G_N_ELEMENTS(items)), <, read_unit_setting("LimitNOFILE"));
}

/* pcscd has 200 of each: see PCSCLITE_MAX_APPLICATIONS_CONTEXTS and PCSC_MAX_READER_HANDLES. */
static void
test_places_in_pcscd(void)
{
    const guint others = 3; /* the monitor, the check of pcscd, the spare context of probes */

    g_assert_cmpuint(SCD_WORKERS_MAX + SCD_DRIVER_PROBES_MAX + others, <=, 150);
    g_assert_cmpuint(SCD_QUEUES_PER_READER_MAX, <=, 150);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory-budget/memory", test_memory);
    g_test_add_func("/memory-budget/memory-of-a-user", test_memory_of_a_user);
    g_test_add_func("/memory-budget/tasks", test_tasks);
    g_test_add_func("/memory-budget/descriptors", test_descriptors);
    g_test_add_func("/memory-budget/places-in-pcscd", test_places_in_pcscd);
    return g_test_run();
}
