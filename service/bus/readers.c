/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/readers.h"

#include <string.h>

#include "bus/error.h"
#include "pcsc/difference.h"

struct ScdReaders {
    ScdReadersParts parts;
    ScdSnapshot *snapshot;
    GHashTable *by_name; /* PC/SC name, a GRefString → ScdReader */
};

ScdReaders *
scd_readers_new(const ScdReadersParts *parts)
{
    ScdReaders *readers = g_new0(ScdReaders, 1);
    readers->parts = *parts;
    readers->snapshot = scd_snapshot_new_unavailable(NULL);
    readers->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return readers;
}

void
scd_readers_free(ScdReaders *readers)
{
    g_autoptr(ScdSnapshot) nobody = scd_snapshot_new_unavailable(NULL);

    scd_readers_apply_snapshot(readers, nobody);
    g_hash_table_unref(readers->by_name);
    scd_snapshot_unref(readers->snapshot);
    g_free(readers);
}

/* Whether aliases of their serial number name both. */
static gboolean
are_alike(const ScdIdentity *a, const ScdIdentity *b)
{
    return g_str_equal(a->serial, b->serial) && a->slot == b->slot &&
           scd_identity_interface(a) == scd_identity_interface(b);
}

/* self: the reader itself, NULL before it is there. */
static const ScdReader *
find_alike(const ScdReaders *readers, const ScdIdentity *identity, const ScdReader *self)
{
    GHashTableIter iter;
    gpointer reader;

    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader))
        if (reader != self && are_alike(scd_reader_identity(reader), identity))
            return reader;
    return NULL;
}

static const char *
alias_of(const ScdReaders *readers, const ScdIdentity *identity, const ScdReader *self)
{
    gboolean shared = find_alike(readers, identity, self) != NULL;
    const ScdAlias *alias = scd_aliases_of(readers->parts.aliases, identity, shared);

    return alias ? alias->name : "";
}

static void
rename(ScdReaders *readers, ScdReader *reader)
{
    const char *alias = alias_of(readers, scd_reader_identity(reader), reader);

    if (scd_reader_set_alias(reader, alias) && *alias)
        scd_wait_calls_reader_renamed(readers->parts.wait_calls, reader);
}

void
scd_readers_rename_all(ScdReaders *readers)
{
    GHashTableIter iter;
    gpointer reader;

    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader))
        rename(readers, reader);
}

/* Those that the coming or going of a reader like this one leaves with another alias. */
static void
rename_alike(ScdReaders *readers, const ScdIdentity *identity)
{
    GHashTableIter iter;
    gpointer reader;

    g_hash_table_iter_init(&iter, readers->by_name);
    while (*identity->serial && g_hash_table_iter_next(&iter, NULL, &reader))
        if (are_alike(scd_reader_identity(reader), identity))
            rename(readers, reader);
}

static void
tell_if_ambiguous(const ScdReaders *readers, const ScdIdentity *identity)
{
    const ScdAlias *alias = scd_aliases_of(readers->parts.aliases, identity, FALSE);

    if (alias && alias->serial && find_alike(readers, identity, NULL))
        g_message("Alias '%s' names no reader: several have serial number '%s'", alias->name,
                  alias->serial);
}

static void
add_reader(ScdReaders *readers, ScdReaderState *state)
{
    g_autoptr(GError) error = NULL;
    const ScdReadersParts *parts = &readers->parts;
    const ScdIdentity *identity = scd_reader_tracker_get_identity(parts->tracker, state->name);
    const ScdReaderParts reader_parts = {
        .tree = parts->tree,
        .sessions = parts->sessions,
        .wait_calls = parts->wait_calls,
        .aliases = parts->aliases,
        .identity = identity,
        .alias = alias_of(readers, identity, NULL),
    };
    ScdReader *reader = scd_reader_new(&reader_parts, state, &error);

    if (!reader)
        g_error("The path of reader '%s' was in use: %s", state->name, error->message);
    tell_if_ambiguous(readers, identity);
    g_hash_table_insert(readers->by_name, g_strdup(state->name), reader);
    rename_alike(readers, identity);
}

static void
remove_reader(ScdReaders *readers, ScdReader *reader, ScdSessionEnd why)
{
    g_autoptr(ScdIdentity) identity = scd_identity_ref(scd_reader_identity(reader));

    g_hash_table_remove(readers->by_name, scd_reader_name(reader));
    scd_reader_free(reader, why);
    rename_alike(readers, identity);
}

static void
remove_card(ScdReaders *readers, ScdReader *reader, ScdReaderState *state)
{
    g_autofree char *path = g_strdup(scd_card_path(scd_reader_card(reader)));

    scd_reader_remove_card(reader, state);
    scd_wait_calls_card_removed(readers->parts.wait_calls, path);
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
        remove_reader(readers, reader, why);
        break;
    case SCD_STEP_CARD_INSERTED:
        scd_reader_insert_card(reader, step->state, readers->parts.card_list);
        scd_wait_calls_card_inserted(readers->parts.wait_calls, reader);
        break;
    case SCD_STEP_CARD_REMOVED:
        remove_card(readers, reader, step->state);
        break;
    }
}

void
scd_readers_apply_snapshot(ScdReaders *readers, ScdSnapshot *snapshot)
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
    if (!reader)
        return;
    g_autoptr(ScdIdentity) before = scd_identity_ref(scd_reader_identity(reader));
    scd_reader_identify(reader, identity);
    rename(readers, reader);
    rename_alike(readers, before);
    rename_alike(readers, identity);
    scd_wait_calls_reader_renamed(readers->parts.wait_calls, reader);
}

static gboolean
is_named_by(const ScdReader *reader, gconstpointer alias)
{
    return scd_alias_names(alias, scd_reader_identity(reader));
}

static gboolean
has_object_path(const ScdReader *reader, gconstpointer selector)
{
    return g_str_equal(scd_reader_path(reader), selector);
}

/* Paths have one form only, so ports and paths can be compared as texts. */
static gboolean
is_at_usb_port(const ScdReader *reader, gconstpointer selector)
{
    const char *path = scd_reader_usb_path(reader);
    gsize length = strlen(selector);

    return g_str_has_prefix(path, selector) && (path[length] == '\0' || path[length] == ':');
}

static gboolean
has_serial(const ScdReader *reader, gconstpointer selector)
{
    return g_str_equal(scd_reader_identity(reader)->serial, selector);
}

/* The first one, and whether there are others. */
static ScdReader *
find_by(const ScdReaders *readers,
        gboolean (*fits)(const ScdReader *reader, gconstpointer selector), gconstpointer selector,
        gboolean *ambiguous)
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
    gboolean (*const ways[])(const ScdReader *, gconstpointer) = {has_object_path, is_at_usb_port,
                                                                  has_serial};
    const ScdAlias *alias = scd_aliases_find(readers->parts.aliases, selector);
    gboolean ambiguous = FALSE;
    ScdReader *found = alias ? find_by(readers, is_named_by, alias, &ambiguous) : NULL;

    if (!*selector) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT, "The name of the reader is empty");
        return NULL;
    }
    if (!found)
        found = g_hash_table_lookup(readers->by_name, selector);
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

guint
scd_readers_count_named(const ScdReaders *readers, const ScdAlias *alias)
{
    GHashTableIter iter;
    gpointer reader;
    guint count = 0;

    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader))
        count += is_named_by(reader, alias);
    return count;
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
