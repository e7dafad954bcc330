/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/readers.h"

#include "bus/error.h"
#include "pcsc/difference.h"

struct ScdReaders {
    ScdTree *tree;
    ScdSessions *sessions;
    ScdWaiters *waiters;
    const ScdCardList *card_list;
    ScdSnapshot *snapshot;
    GHashTable *by_name; /* PC/SC name, a GRefString → ScdReader */
};

ScdReaders *
scd_readers_new(ScdTree *tree, ScdSessions *sessions, ScdWaiters *waiters,
                const ScdCardList *card_list)
{
    ScdReaders *readers = g_new0(ScdReaders, 1);
    readers->tree = tree;
    readers->sessions = sessions;
    readers->waiters = waiters;
    readers->card_list = card_list;
    readers->snapshot = scd_snapshot_new_unavailable(NULL);
    readers->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return readers;
}

void
scd_readers_free(ScdReaders *readers)
{
    g_autoptr(ScdSnapshot) nobody = scd_snapshot_new_unavailable(NULL);

    scd_readers_follow(readers, nobody);
    g_hash_table_unref(readers->by_name);
    scd_snapshot_unref(readers->snapshot);
    g_free(readers);
}

static void
add_reader(ScdReaders *readers, ScdReaderState *state)
{
    g_autoptr(GError) error = NULL;
    ScdReader *reader =
        scd_reader_new(readers->tree, readers->sessions, readers->waiters, state, &error);

    if (!reader)
        g_error("The path of reader '%s' was in use: %s", state->name, error->message);
    g_hash_table_insert(readers->by_name, g_strdup(state->name), reader);
}

static void
remove_card(ScdReaders *readers, ScdReader *reader, ScdReaderState *state)
{
    g_autofree char *path = g_strdup(scd_card_path(scd_reader_card(reader)));

    scd_reader_remove_card(reader, state);
    scd_waiters_card_removed(readers->waiters, path);
}

static void
carry_out(ScdReaders *readers, const ScdStep *step, ScdSessionEnd why)
{
    ScdReader *reader = g_hash_table_lookup(readers->by_name, step->state->name);

    switch (step->kind) {
    case SCD_STEP_READER_ADDED:
        add_reader(readers, step->state);
        break;
    case SCD_STEP_READER_CHANGED:
        scd_reader_update(reader, step->state);
        break;
    case SCD_STEP_READER_REMOVED:
        g_hash_table_remove(readers->by_name, step->state->name);
        scd_reader_free(reader, why);
        break;
    case SCD_STEP_CARD_INSERTED:
        scd_reader_insert_card(reader, step->state, readers->card_list);
        scd_waiters_card_inserted(readers->waiters, reader);
        break;
    case SCD_STEP_CARD_REMOVED:
        remove_card(readers, reader, step->state);
        break;
    }
}

void
scd_readers_follow(ScdReaders *readers, ScdSnapshot *snapshot)
{
    g_autoptr(GArray) steps = scd_difference(readers->snapshot, snapshot);
    ScdSessionEnd why =
        snapshot->trouble ? SCD_SESSION_SERVICE_UNAVAILABLE : SCD_SESSION_READER_REMOVED;

    for (guint i = 0; i < steps->len; i++)
        carry_out(readers, &g_array_index(steps, ScdStep, i), why);
    scd_snapshot_ref(snapshot);
    scd_snapshot_unref(readers->snapshot);
    readers->snapshot = snapshot;
}

ScdReader *
scd_readers_find(ScdReaders *readers, const char *selector, GError **error)
{
    ScdReader *found = g_hash_table_lookup(readers->by_name, selector);
    GHashTableIter iter;
    gpointer value;

    if (found)
        return found;
    if (!*selector) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT, "The name of the reader is empty");
        return NULL;
    }
    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (g_str_equal(scd_reader_path(value), selector))
            return value;
        if (!g_str_equal(scd_reader_serial(value), selector))
            continue;
        if (found) {
            g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                        "Several readers have the serial number '%s': name one by its object path",
                        selector);
            return NULL;
        }
        found = value;
    }
    if (!found)
        g_set_error(error, SCD_ERROR, SCD_E_UNKNOWN_READER,
                    "There is no reader '%s': 'smartcardctl list' shows those that are there",
                    selector);
    return found;
}

ScdReader *
scd_readers_search(ScdReaders *readers, GHRFunc fits, gpointer data)
{
    return g_hash_table_find(readers->by_name, fits, data);
}
