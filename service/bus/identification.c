/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/identification.h"

#include "pcsc/difference.h"
#include "pcsc/probe.h"
#include "pcsc/whereabouts.h"

/* All that happens meanwhile is checked at once, when those who wait for events have been told. */
#define CHECK_DELAY_MS 500

struct ScdIdentification {
    const ScdIdentificationEvents *events;
    gpointer data;
    ScdProbes *probes;
    ScdWhereabouts *whereabouts;
    guint check_timer;
    ScdSnapshot *seen;      /* the latest of the monitor */
    GHashTable *identities; /* PC/SC name → ScdIdentity, NULL until it is known, of those seen */
    guint n_unknown;
    gboolean begun; /* the first snapshot of this pcscd has been told */
};

/* The readers that are known. */
static ScdSnapshot *
dup_identified(const ScdIdentification *identification)
{
    ScdSnapshot *seen = identification->seen;

    if (identification->n_unknown == 0)
        return scd_snapshot_ref(seen);
    GPtrArray *readers = g_ptr_array_new_with_free_func((GDestroyNotify)scd_reader_state_unref);
    for (guint i = 0; i < seen->readers->len; i++) {
        ScdReaderState *state = seen->readers->pdata[i];
        if (g_hash_table_lookup(identification->identities, state->name))
            g_ptr_array_add(readers, scd_reader_state_ref(state));
    }
    return scd_snapshot_new(readers);
}

static void
tell(ScdIdentification *identification)
{
    g_autoptr(ScdSnapshot) snapshot = dup_identified(identification);

    identification->begun = !snapshot->trouble;
    identification->events->identified(snapshot, identification->data);
}

static void
tell_when_ready(ScdIdentification *identification)
{
    if (identification->begun || identification->n_unknown == 0)
        tell(identification);
}

/* There is another reader of this name now: for everybody the one that was there leaves. */
static void
take_away(ScdIdentification *identification, const char *reader)
{
    g_hash_table_insert(identification->identities, g_strdup(reader), NULL);
    identification->n_unknown++;
    tell(identification);
}

static void
found(const char *reader, ScdIdentity *identity, gpointer data)
{
    ScdIdentification *identification = data;
    const ScdIdentity *before = g_hash_table_lookup(identification->identities, reader);
    gboolean was_known = before != NULL;

    if (was_known && scd_identity_is_elsewhere(identity, before)) {
        take_away(identification, reader);
        was_known = FALSE;
    }
    /* What the kernel alone could say may come after what the driver has said. */
    if (was_known && !scd_identity_is_better(identity, before)) {
        scd_identity_unref(identity);
        return;
    }
    g_hash_table_insert(identification->identities, g_strdup(reader), identity);
    if (was_known) {
        identification->events->learnt(reader, identity, identification->data);
    } else {
        identification->n_unknown--;
        tell_when_ready(identification);
    }
}

static void
may_have_moved(const char *reader, gpointer data)
{
    ScdIdentification *identification = data;

    if (g_hash_table_lookup(identification->identities, reader))
        scd_probes_start(identification->probes, reader);
}

static gboolean
check_now(gpointer data)
{
    ScdIdentification *identification = data;

    identification->check_timer = 0;
    scd_whereabouts_check(identification->whereabouts, identification->identities);
    return G_SOURCE_REMOVE;
}

void
scd_identification_check(ScdIdentification *identification)
{
    if (!identification->check_timer)
        identification->check_timer = g_timeout_add(CHECK_DELAY_MS, check_now, identification);
}

ScdIdentification *
scd_identification_new(const char *sysfs, const ScdIdentificationEvents *events, gpointer data)
{
    ScdIdentification *identification = g_new0(ScdIdentification, 1);
    identification->events = events;
    identification->data = data;
    identification->probes = scd_probes_new(sysfs, found, identification);
    identification->whereabouts = scd_whereabouts_new(sysfs, may_have_moved, identification);
    identification->seen = scd_snapshot_new_unavailable(NULL);
    identification->identities =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)scd_identity_unref);
    return identification;
}

void
scd_identification_free(ScdIdentification *identification)
{
    g_clear_handle_id(&identification->check_timer, g_source_remove);
    scd_whereabouts_free(identification->whereabouts);
    scd_probes_free(identification->probes);
    scd_snapshot_unref(identification->seen);
    g_hash_table_unref(identification->identities);
    g_free(identification);
}

static void
reader_came(ScdIdentification *identification, const char *name)
{
    g_hash_table_insert(identification->identities, g_strdup(name), NULL);
    identification->n_unknown++;
    scd_probes_start(identification->probes, name);
}

static void
reader_left(ScdIdentification *identification, const char *name)
{
    scd_probes_forget(identification->probes, name);
    if (!g_hash_table_lookup(identification->identities, name))
        identification->n_unknown--;
    g_hash_table_remove(identification->identities, name);
}

static void
reader_had_event(ScdIdentification *identification, const char *name)
{
    const ScdIdentity *identity = g_hash_table_lookup(identification->identities, name);

    if (identity && !identity->complete)
        scd_probes_start(identification->probes, name);
}

void
scd_identification_follow(ScdIdentification *identification, ScdSnapshot *snapshot)
{
    g_autoptr(GArray) steps = scd_difference(identification->seen, snapshot);

    for (guint i = 0; i < steps->len; i++) {
        const ScdStep *step = &g_array_index(steps, ScdStep, i);

        if (step->kind == SCD_STEP_READER_ADDED)
            reader_came(identification, step->state->name);
        else if (step->kind == SCD_STEP_READER_REMOVED)
            reader_left(identification, step->state->name);
        else
            reader_had_event(identification, step->state->name);
    }
    scd_snapshot_ref(snapshot);
    scd_snapshot_unref(identification->seen);
    identification->seen = snapshot;
    tell_when_ready(identification);
}

const ScdIdentity *
scd_identification_of(const ScdIdentification *identification, const char *reader)
{
    return g_hash_table_lookup(identification->identities, reader);
}
