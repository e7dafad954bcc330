/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/workers.h"

#include "base/error.h"
#include "base/reader-name.h"
#include "pcsc/main-thread.h"
#include "pcsc/reader-use.h"

/* pcscd may need seconds to reset a card; systemd waits for longer. */
#define STOP_LIMIT_US (10 * G_USEC_PER_SEC)

struct ScdWorkers {
    ScdWorkerOptions options;
    GHashTable *by_reader; /* PC/SC name → ScdWorker */
    GPtrArray *ending;     /* of ScdWorker: stopped, but its thread may still be busy */
    GSource *sweeper;      /* answers jobs whose time is over while a worker is in libpcsclite */
    gint64 sweep_at;       /* SCD_JOB_NO_LIMIT: not at all */
};

/* One timer for all jobs: set when there is an earlier limit than before, and never cleared. */
static void
limit_set(gint64 at, gpointer data)
{
    ScdWorkers *workers = data;

    if (at >= workers->sweep_at)
        return;
    workers->sweep_at = at;
    g_source_set_ready_time(workers->sweeper, at);
}

static gboolean
sweep(gpointer data)
{
    ScdWorkers *workers = data;
    gint64 now = g_get_monotonic_time();
    gint64 next = SCD_JOB_NO_LIMIT;
    GQueue answers = G_QUEUE_INIT;
    GHashTableIter iter;
    gpointer worker;

    workers->sweep_at = SCD_JOB_NO_LIMIT;
    g_source_set_ready_time(workers->sweeper, -1);
    g_hash_table_iter_init(&iter, workers->by_reader);
    while (g_hash_table_iter_next(&iter, NULL, &worker))
        next = MIN(next, scd_queue_group_expire(scd_worker_group(worker), now, &answers));
    for (guint i = 0; i < workers->ending->len; i++) {
        worker = workers->ending->pdata[i];
        next = MIN(next, scd_queue_group_expire(scd_worker_group(worker), now, &answers));
    }
    limit_set(next, workers);
    scd_job_answers_deliver(&answers); /* which may create and end workers */
    return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_sweeper(GSource *source, GSourceFunc callback, gpointer data)
{
    return callback(data);
}

static GSource *
new_sweeper(ScdWorkers *workers)
{
    static GSourceFuncs funcs = {.dispatch = dispatch_sweeper};
    GSource *source = g_source_new(&funcs, sizeof(GSource));

    g_source_set_callback(source, sweep, workers, NULL);
    g_source_attach(source, NULL);
    return source;
}

static void
stop_worker(ScdWorkers *workers, ScdWorker *worker)
{
    g_hash_table_remove(workers->by_reader, scd_worker_reader(worker));
    scd_worker_stop(worker);
    g_ptr_array_add(workers->ending, worker);
}

/* Frees those that have ended. Returns FALSE if there are others. */
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
    if (worker && scd_worker_count_queues(worker) == 0)
        stop_worker(workers, worker);
}

ScdWorkers *
scd_workers_new(guint transaction_idle_limit_ms, guint transaction_total_limit_ms)
{
    ScdWorkers *workers = g_new0(ScdWorkers, 1);
    workers->options.idle = worker_idle;
    workers->options.limit_set = limit_set;
    workers->options.data = workers;
    workers->options.transaction_idle_limit_ms = transaction_idle_limit_ms;
    workers->options.transaction_total_limit_ms = transaction_total_limit_ms;
    workers->by_reader = g_hash_table_new(g_str_hash, g_str_equal);
    workers->ending = g_ptr_array_new();
    workers->sweep_at = SCD_JOB_NO_LIMIT;
    workers->sweeper = new_sweeper(workers);
    return workers;
}

gboolean
scd_workers_stop(ScdWorkers *workers)
{
    g_autoptr(GList) all = g_hash_table_get_values(workers->by_reader);

    for (GList *worker = all; worker; worker = worker->next)
        stop_worker(workers, worker->data);
    return free_ended(workers, g_get_monotonic_time() + STOP_LIMIT_US);
}

void
scd_workers_free(ScdWorkers *workers)
{
    g_assert(g_hash_table_size(workers->by_reader) == 0 && workers->ending->len == 0);
    g_source_destroy(workers->sweeper);
    g_source_unref(workers->sweeper);
    g_hash_table_unref(workers->by_reader);
    g_ptr_array_unref(workers->ending);
    g_free(workers);
}

static void G_GNUC_PRINTF(3, 4)
    set_limit_error(GError **error, const char *reader, const char *format, ...)
{
    g_autofree char *text = scd_reader_name_to_text(reader);
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *problem = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, SCD_ERROR, SCD_LIMITS_EXCEEDED, "Reader '%s': %s", text, problem);
}

static ScdWorker *
ensure_worker(ScdWorkers *workers, const char *reader, GError **error)
{
    ScdWorker *worker = g_hash_table_lookup(workers->by_reader, reader);

    free_ended(workers, 0);
    if (worker)
        return worker;
    if (g_hash_table_size(workers->by_reader) + workers->ending->len >= SCD_WORKERS_MAX) {
        set_limit_error(error, reader, "%d readers are in use already: try again later",
                        SCD_WORKERS_MAX);
        return NULL;
    }
    worker = scd_worker_new(reader, &workers->options, error);
    if (worker)
        g_hash_table_insert(workers->by_reader, (gpointer)scd_worker_reader(worker), worker);
    return worker;
}

ScdJobQueue *
scd_workers_new_queue(ScdWorkers *workers, const char *reader, guint32 uid,
                      GDestroyNotify destroyed, gpointer data, GError **error)
{
    ScdWorker *worker = ensure_worker(workers, reader, error);

    if (!worker)
        return NULL;
    if (scd_worker_count_queues(worker) >= SCD_QUEUES_PER_READER_MAX) {
        set_limit_error(error, reader, "at most %d sessions and calls at a time: try again later",
                        SCD_QUEUES_PER_READER_MAX);
        return NULL;
    }
    return scd_job_queue_new(scd_worker_group(worker), uid, destroyed, data);
}

void
scd_workers_card_removed(ScdWorkers *workers, const char *reader)
{
    ScdWorker *worker = g_hash_table_lookup(workers->by_reader, reader);

    scd_reader_use_set_unclean(reader, FALSE);
    if (worker)
        scd_worker_card_removed(worker);
}

void
scd_workers_reader_removed(ScdWorkers *workers, const char *reader)
{
    ScdWorker *worker = g_hash_table_lookup(workers->by_reader, reader);

    scd_reader_use_set_unclean(reader, FALSE);
    if (worker)
        stop_worker(workers, worker);
}
