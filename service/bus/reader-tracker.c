/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reader-tracker.h"

#include "pcsc/probe.h"
#include "pcsc/snapshot.h"

/* Waits for further events, so that one check covers them all, and clients receive their signals
 * first. */
#define CHECK_DELAY_MS 500

struct ScdReaderTracker {
    ScdSettings *const *settings; /* the present ones */
    const ScdReaderTrackerEvents *events;
    gpointer data;
    ScdProbes *probes;
    ScdReaderRelocation *relocation;
    guint check_timer;
    ScdSnapshot *seen;      /* the latest snapshot of the monitor */
    GHashTable *identities; /* PC/SC name of each seen reader → ScdIdentity, or NULL */
    guint n_unknown;        /* seen readers without identity */
    gboolean begun;         /* the first snapshot since pcscd started was passed on */
};

static gboolean
is_ignored(const ScdReaderTracker *tracker, const ScdIdentity *identity)
{
    return scd_reader_rules_find_ignoring((*tracker->settings)->rules, identity) != NULL;
}

/* Returns the latest snapshot without the readers that are not identified, or ignored. */
static ScdSnapshot *
dup_identified(const ScdReaderTracker *tracker)
{
    ScdSnapshot *seen = tracker->seen;

    if (seen->trouble)
        return scd_snapshot_ref(seen);
    GPtrArray *readers = g_ptr_array_new_with_free_func((GDestroyNotify)scd_reader_state_unref);
    for (guint i = 0; i < seen->readers->len; i++) {
        ScdReaderState *state = seen->readers->pdata[i];
        const ScdIdentity *identity = g_hash_table_lookup(tracker->identities, state->name);

        if (identity && !is_ignored(tracker, identity))
            g_ptr_array_add(readers, scd_reader_state_ref(state));
    }
    return scd_snapshot_new(readers);
}

static void
pass_on(ScdReaderTracker *tracker)
{
    g_autoptr(ScdSnapshot) snapshot = dup_identified(tracker);

    tracker->begun = !snapshot->trouble;
    tracker->events->identified(snapshot, tracker->data);
}

static void
pass_on_if_complete(ScdReaderTracker *tracker)
{
    if (tracker->begun || tracker->n_unknown == 0)
        pass_on(tracker);
}

/* The name now belongs to another reader: removes the former one from the bus. */
static void
remove_identity(ScdReaderTracker *tracker, const char *reader)
{
    g_hash_table_insert(tracker->identities, g_strdup(reader), NULL);
    tracker->n_unknown++;
    pass_on(tracker);
}

static void
apply_identity(ScdReaderTracker *tracker, const char *reader, ScdIdentity *identity)
{
    const ScdIdentity *before = g_hash_table_lookup(tracker->identities, reader);
    gboolean was_known = before != NULL;
    gboolean was_shown = was_known && !is_ignored(tracker, before);

    if (was_known && scd_identity_is_elsewhere(identity, before)) {
        remove_identity(tracker, reader);
        was_known = FALSE;
    }
    /* The identity from sysfs alone may arrive after the one from the driver. */
    if (was_known && !scd_identity_is_better(identity, before)) {
        scd_identity_unref(identity);
        return;
    }
    g_hash_table_insert(tracker->identities, g_strdup(reader), identity);
    if (!was_known)
        tracker->n_unknown--;
    if (was_known && was_shown && !is_ignored(tracker, identity))
        tracker->events->identified_better(reader, identity, tracker->data);
    else
        pass_on_if_complete(tracker);
}

static void
handle_identity(const char *reader, ScdIdentity *identity, gpointer data)
{
    ScdReaderTracker *tracker = data;

    apply_identity(tracker, reader, identity);
    tracker->events->probed(reader, tracker->data);
}

static void
identify_again(const char *reader, gpointer data)
{
    ScdReaderTracker *tracker = data;

    if (g_hash_table_lookup(tracker->identities, reader))
        scd_probes_start(tracker->probes, reader);
}

static gboolean
check_now(gpointer data)
{
    ScdReaderTracker *tracker = data;

    tracker->check_timer = 0;
    scd_reader_relocation_check(tracker->relocation, tracker->identities);
    return G_SOURCE_REMOVE;
}

void
scd_reader_tracker_check(ScdReaderTracker *tracker)
{
    if (!tracker->check_timer)
        tracker->check_timer = g_timeout_add(CHECK_DELAY_MS, check_now, tracker);
}

ScdReaderTracker *
scd_reader_tracker_new(const char *sysfs, ScdSettings *const *settings,
                       const ScdReaderTrackerEvents *events, gpointer data)
{
    ScdReaderTracker *tracker = g_new0(ScdReaderTracker, 1);
    tracker->settings = settings;
    tracker->events = events;
    tracker->data = data;
    tracker->probes = scd_probes_new(sysfs, handle_identity, tracker);
    tracker->relocation = scd_reader_relocation_new(sysfs, identify_again, tracker);
    tracker->seen = scd_snapshot_new_unavailable(NULL);
    tracker->identities =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)scd_identity_unref);
    return tracker;
}

void
scd_reader_tracker_free(ScdReaderTracker *tracker)
{
    g_clear_handle_id(&tracker->check_timer, g_source_remove);
    scd_reader_relocation_free(tracker->relocation);
    scd_probes_free(tracker->probes);
    scd_snapshot_unref(tracker->seen);
    g_hash_table_unref(tracker->identities);
    g_free(tracker);
}

static void
add_reader(ScdReaderTracker *tracker, const char *name)
{
    g_hash_table_insert(tracker->identities, g_strdup(name), NULL);
    tracker->n_unknown++;
    scd_probes_start(tracker->probes, name);
}

static void
remove_reader(ScdReaderTracker *tracker, const char *name)
{
    scd_probes_forget(tracker->probes, name);
    if (!g_hash_table_lookup(tracker->identities, name))
        tracker->n_unknown--;
    g_hash_table_remove(tracker->identities, name);
}

/* Without an identity, its first probe is still running, or will begin. */
static void
handle_reader_event(ScdReaderTracker *tracker, const char *name)
{
    const ScdIdentity *identity = g_hash_table_lookup(tracker->identities, name);

    if (!identity || !identity->complete)
        scd_probes_start(tracker->probes, name);
}

void
scd_reader_tracker_apply_snapshot(ScdReaderTracker *tracker, ScdSnapshot *snapshot)
{
    g_autoptr(GArray) steps = scd_difference(tracker->seen, snapshot);

    for (guint i = 0; i < steps->len; i++) {
        const ScdStep *step = &g_array_index(steps, ScdStep, i);

        if (step->kind == SCD_STEP_READER_ADDED)
            add_reader(tracker, step->state->name);
        else if (step->kind == SCD_STEP_READER_REMOVED)
            remove_reader(tracker, step->state->name);
        else
            handle_reader_event(tracker, step->state->name);
    }
    scd_snapshot_ref(snapshot);
    scd_snapshot_unref(tracker->seen);
    tracker->seen = snapshot;
    pass_on_if_complete(tracker);
}

void
scd_reader_tracker_apply_settings(ScdReaderTracker *tracker)
{
    if (tracker->begun)
        pass_on(tracker);
}

void
scd_reader_tracker_identify(ScdReaderTracker *tracker, const char *reader)
{
    identify_again(reader, tracker);
}

const ScdIdentity *
scd_reader_tracker_get_identity(const ScdReaderTracker *tracker, const char *reader)
{
    return g_hash_table_lookup(tracker->identities, reader);
}

void
scd_reader_tracker_foreach(const ScdReaderTracker *tracker,
                           void (*func)(const ScdIdentity *identity, gpointer data), gpointer data)
{
    GHashTableIter iter;
    gpointer identity;

    g_hash_table_iter_init(&iter, tracker->identities);
    while (g_hash_table_iter_next(&iter, NULL, &identity))
        func(identity, data);
}
