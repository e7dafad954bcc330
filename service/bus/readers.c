/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/readers.h"

#include <string.h>

#include "bus/error.h"
#include "pcsc/difference.h"

struct ScdReaders {
    ScdTree *tree;
    ScdSessions *sessions;
    ScdWaiters *waiters;
    const ScdIdentification *identification;
    const ScdCardList *card_list;
    ScdSnapshot *snapshot;
    GHashTable *by_name; /* PC/SC name, a GRefString → ScdReader */
};

ScdReaders *
scd_readers_new(ScdTree *tree, ScdSessions *sessions, ScdWaiters *waiters,
                const ScdIdentification *identification, const ScdCardList *card_list)
{
    ScdReaders *readers = g_new0(ScdReaders, 1);
    readers->tree = tree;
    readers->sessions = sessions;
    readers->waiters = waiters;
    readers->identification = identification;
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
    const ScdIdentity *identity = scd_identification_of(readers->identification, state->name);
    ScdReader *reader =
        scd_reader_new(readers->tree, readers->sessions, readers->waiters, state, identity, &error);

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

void
scd_readers_identify(ScdReaders *readers, const char *name, const ScdIdentity *identity)
{
    ScdReader *reader = g_hash_table_lookup(readers->by_name, name);
    if (reader)
        scd_reader_identify(reader, identity);
}

static gboolean
has_object_path(const ScdReader *reader, const char *selector)
{
    return g_str_equal(scd_reader_path(reader), selector);
}

/* Paths have one form only, so ports and paths can be compared as texts. */
static gboolean
is_at_usb_port(const ScdReader *reader, const char *selector)
{
    const char *path = scd_reader_usb_path(reader);
    gsize length = strlen(selector);

    return g_str_has_prefix(path, selector) && (path[length] == '\0' || path[length] == ':');
}

static gboolean
has_serial(const ScdReader *reader, const char *selector)
{
    return g_str_equal(scd_reader_serial(reader), selector);
}

/* The first one, and whether there are others. */
static ScdReader *
find_by(ScdReaders *readers, gboolean (*fits)(const ScdReader *reader, const char *selector),
        const char *selector, gboolean *ambiguous)
{
    GHashTableIter iter;
    gpointer reader;
    ScdReader *found = NULL;

    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader)) {
        if (!fits(reader, selector))
            continue;
        *ambiguous = found != NULL;
        found = reader;
    }
    return found;
}

ScdReader *
scd_readers_find(ScdReaders *readers, const char *selector, GError **error)
{
    /* What a device tells of itself comes last: it must not pass for another one. */
    gboolean (*const ways[])(const ScdReader *, const char *) = {has_object_path, is_at_usb_port,
                                                                 has_serial};
    ScdReader *found = g_hash_table_lookup(readers->by_name, selector);
    gboolean ambiguous = FALSE;

    if (!*selector) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT, "The name of the reader is empty");
        return NULL;
    }
    for (gsize i = 0; !found && i < G_N_ELEMENTS(ways); i++)
        found = find_by(readers, ways[i], selector, &ambiguous);
    if (ambiguous) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                    "Several readers are '%s': name one by its object path", selector);
        return NULL;
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

void
scd_readers_count(const ScdReaders *readers, guint *n_readers, guint *n_cards)
{
    GHashTableIter iter;
    gpointer reader;

    *n_readers = g_hash_table_size(readers->by_name);
    *n_cards = 0;
    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader))
        *n_cards += scd_reader_card(reader) != NULL;
}
