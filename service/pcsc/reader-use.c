/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/reader-use.h"

/* As long as a probe waits for a driver (probe.c). */
#define PROBE_LIMIT_US G_USEC_PER_SEC

typedef struct {
    guint n_probes;
    guint n_resets;
    gboolean unclean;
} ReaderUse;

static GMutex lock;
static GCond changed;
static GHashTable *uses; /* PC/SC name → ReaderUse, of those that are not zero; NULL before */

static ReaderUse *
get_use_locked(const char *reader)
{
    if (!uses)
        uses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    ReaderUse *use = g_hash_table_lookup(uses, reader);
    if (!use) {
        use = g_new0(ReaderUse, 1);
        g_hash_table_insert(uses, g_strdup(reader), use);
    }
    return use;
}

static void
announce_locked(const char *reader)
{
    const ReaderUse *use = get_use_locked(reader);

    if (use->n_probes == 0 && use->n_resets == 0 && !use->unclean)
        g_hash_table_remove(uses, reader);
    g_cond_broadcast(&changed);
}

void
scd_reader_use_begin_probe(const char *reader)
{
    g_mutex_lock(&lock);
    while (get_use_locked(reader)->n_resets > 0)
        g_cond_wait(&changed, &lock);
    get_use_locked(reader)->n_probes++;
    g_mutex_unlock(&lock);
}

void
scd_reader_use_end_probe(const char *reader)
{
    g_mutex_lock(&lock);
    get_use_locked(reader)->n_probes--;
    announce_locked(reader);
    g_mutex_unlock(&lock);
}

void
scd_reader_use_begin_reset(const char *reader)
{
    gint64 until = g_get_monotonic_time() + PROBE_LIMIT_US;

    g_mutex_lock(&lock);
    ReaderUse *use = get_use_locked(reader);
    use->n_resets++;
    while (use->n_probes > 0 && g_cond_wait_until(&changed, &lock, until))
        ;
    g_mutex_unlock(&lock);
}

void
scd_reader_use_end_reset(const char *reader)
{
    g_mutex_lock(&lock);
    get_use_locked(reader)->n_resets--;
    announce_locked(reader);
    g_mutex_unlock(&lock);
}

void
scd_reader_use_set_unclean(const char *reader, gboolean unclean)
{
    g_mutex_lock(&lock);
    get_use_locked(reader)->unclean = unclean;
    announce_locked(reader);
    g_mutex_unlock(&lock);
}

gboolean
scd_reader_use_is_unclean(const char *reader)
{
    g_mutex_lock(&lock);
    const ReaderUse *use = uses ? g_hash_table_lookup(uses, reader) : NULL;
    gboolean unclean = use && use->unclean;
    g_mutex_unlock(&lock);
    return unclean;
}
