/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/workers.h"

#include "base/error.h"
#include "pcsc/main-thread.h"

/* pcscd serves 200 programs, of which we may be one only. */
#define WORKERS_MAX 128

#define STOP_LIMIT_US (2 * G_USEC_PER_SEC)

struct ScdWorkers {
    ScdWorkerOptions options;
    GHashTable *by_reader; /* PC/SC name → ScdWorker */
    GPtrArray *ending;     /* of ScdWorker: stopped, but its thread may still be busy */
};

static void
stop(ScdWorkers *workers, ScdWorker *worker)
{
    g_hash_table_remove(workers->by_reader, scd_worker_reader(worker));
    scd_worker_stop(worker);
    g_ptr_array_add(workers->ending, worker);
}

/* Frees those that have ended. FALSE when there are others. */
static gboolean
free_ended(ScdWorkers *workers, gint64 until)
{
    for (guint i = workers->ending->len; i > 0; i--)
        if (scd_worker_free(workers->ending->pdata[i - 1], until))
            g_ptr_array_remove_index_fast(workers->ending, i - 1);
    return workers->ending->len == 0;
}

static void
worker_idle(const char *reader, gpointer data)
{
    ScdWorkers *workers = data;
    ScdWorker *worker = g_hash_table_lookup(workers->by_reader, reader);

    free_ended(workers, 0);
    if (worker && !scd_worker_is_in_use(worker))
        stop(workers, worker);
}

ScdWorkers *
scd_workers_new(guint transaction_idle_limit_ms)
{
    ScdWorkers *workers = g_new0(ScdWorkers, 1);
    workers->options.idle = worker_idle;
    workers->options.data = workers;
    workers->options.transaction_idle_limit_ms = transaction_idle_limit_ms;
    workers->by_reader = g_hash_table_new(g_str_hash, g_str_equal);
    workers->ending = g_ptr_array_new();
    return workers;
}

gboolean
scd_workers_stop(ScdWorkers *workers)
{
    g_autoptr(GList) all = g_hash_table_get_values(workers->by_reader);

    for (GList *worker = all; worker; worker = worker->next)
        stop(workers, worker->data);
    return free_ended(workers, g_get_monotonic_time() + STOP_LIMIT_US);
}

void
scd_workers_free(ScdWorkers *workers)
{
    g_assert(g_hash_table_size(workers->by_reader) == 0 && workers->ending->len == 0);
    g_hash_table_unref(workers->by_reader);
    g_ptr_array_unref(workers->ending);
    g_free(workers);
}

ScdJobQueue *
scd_workers_new_queue(ScdWorkers *workers, const char *reader, GError **error)
{
    ScdWorker *worker = g_hash_table_lookup(workers->by_reader, reader);

    free_ended(workers, 0);
    if (!worker) {
        if (g_hash_table_size(workers->by_reader) + workers->ending->len >= WORKERS_MAX) {
            g_set_error(error, SCD_ERROR, SCD_LIMIT_EXCEEDED,
                        "Reader '%s': %d readers are in use already: try again later", reader,
                        WORKERS_MAX);
            return NULL;
        }
        worker = scd_worker_new(reader, &workers->options, error);
        if (!worker)
            return NULL;
        g_hash_table_insert(workers->by_reader, (gpointer)scd_worker_reader(worker), worker);
    }
    return scd_job_queue_new(worker);
}

void
scd_workers_card_removed(ScdWorkers *workers, const char *reader)
{
    ScdWorker *worker = g_hash_table_lookup(workers->by_reader, reader);
    if (worker)
        scd_worker_card_removed(worker);
}

void
scd_workers_reader_removed(ScdWorkers *workers, const char *reader)
{
    ScdWorker *worker = g_hash_table_lookup(workers->by_reader, reader);
    if (worker)
        stop(workers, worker);
}
