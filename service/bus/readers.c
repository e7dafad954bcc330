/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/readers.h"

#include <string.h>

#include "bus/error.h"
#include "pcsc/probe.h"
#include "pcsc/seat-watch.h"

struct ScdReaders {
    ScdReadersParts parts;
    ScdProbes *probes;
    ScdReaderRelocation *relocation;
    ScdSeatWatch *seat_watch; /* or NULL */
    ScdSnapshot *seen;        /* the latest snapshot of the monitor */
    GHashTable *identities;   /* PC/SC name of each seen reader → ScdIdentity, or NULL */
    guint n_unknown;          /* seen readers without identity */
    gboolean begun;           /* readers are on the bus since pcscd started, or it has none */
    GHashTable *by_name;      /* PC/SC name → ScdReader, of those on the bus */
    guint32 changes;          /* see scd_readers_changes() */
};

/* Returns whether an alias that is bound to a serial number would match both. */
static gboolean
have_same_serial(const ScdIdentity *a, const ScdIdentity *b)
{
    return g_str_equal(a->serial, b->serial) && a->slot == b->slot &&
           scd_identity_interface(a) == scd_identity_interface(b);
}

static const char *
get_alias(const ScdReaders *readers, const ScdIdentity *identity)
{
    const ScdAlias *alias = scd_aliases_of(readers->parts.aliases, identity);

    return alias ? alias->name : "";
}

static void
update_alias(ScdReaders *readers, ScdReader *reader)
{
    const char *alias = get_alias(readers, scd_reader_identity(reader));

    if (scd_reader_set_alias(reader, alias) && *alias)
        readers->parts.events->reader_renamed(reader, readers->parts.data);
}

void
scd_readers_update_aliases(ScdReaders *readers)
{
    GHashTableIter iter;
    gpointer reader;

    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader))
        update_alias(readers, reader);
}

/*
 * A reader was added or removed: an alias that is bound to its serial number, or by a rule, may fit
 * one reader only now, or no longer.
 */
static void
update_shared_aliases(ScdReaders *readers, const ScdIdentity *identity)
{
    gboolean all = scd_aliases_are_bound_by_rules(readers->parts.aliases);
    GHashTableIter iter;
    gpointer reader;

    g_hash_table_iter_init(&iter, readers->by_name);
    while ((all || *identity->serial) && g_hash_table_iter_next(&iter, NULL, &reader))
        if (all || have_same_serial(scd_reader_identity(reader), identity))
            update_alias(readers, reader);
}

static void
add_reader(ScdReaders *readers, ScdReaderState *state)
{
    g_autoptr(GError) error = NULL;
    const ScdReadersParts *parts = &readers->parts;
    const ScdIdentity *identity = g_hash_table_lookup(readers->identities, state->name);
    ScdReader *reader =
        scd_reader_new(&parts->reader, identity, get_alias(readers, identity), state, &error);

    if (!reader)
        g_error("The path of a reader was in use: %s", error->message);
    scd_aliases_log_if_shared(parts->aliases, identity);
    g_hash_table_insert(readers->by_name, g_strdup(state->name), reader);
    readers->changes++;
    update_shared_aliases(readers, identity);
}

static void
remove_reader(ScdReaders *readers, ScdReader *reader, ScdErrorCode why)
{
    g_autoptr(ScdIdentity) identity = scd_identity_ref(scd_reader_identity(reader));

    g_hash_table_remove(readers->by_name, scd_reader_pcsc_name(reader));
    scd_reader_free(reader, why);
    readers->changes++;
    update_shared_aliases(readers, identity);
}

static void
remove_card(ScdReaders *readers, ScdReader *reader, ScdReaderState *state)
{
    g_autofree char *path = g_strdup(scd_card_path(scd_reader_card(reader)));

    scd_reader_remove_card(reader, state);
    readers->parts.events->card_removed(path, readers->parts.data);
}

/* Applies a step to the reader on the bus. why: the reason for a removal. */
static void
apply_step(ScdReaders *readers, const ScdStep *step, ScdErrorCode why)
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
        scd_reader_insert_card(reader, step->state);
        readers->parts.events->card_inserted(reader, readers->parts.data);
        break;
    case SCD_STEP_CARD_REMOVED:
        remove_card(readers, reader, step->state);
        break;
    }
}

/* Adds a reader with its card to the bus (before: NULL), or removes it (after: NULL). */
static void
apply_steps_of_reader(ScdReaders *readers, ScdReaderState *before, ScdReaderState *after)
{
    g_autoptr(GArray) steps = scd_difference_of_reader(before, after);

    for (guint i = 0; i < steps->len; i++)
        apply_step(readers, &g_array_index(steps, ScdStep, i), SCD_E_READER_UNAVAILABLE);
}

static gboolean
is_ignored(const ScdReaders *readers, const ScdIdentity *identity)
{
    const ScdSettings *settings = *readers->parts.reader.settings;

    return scd_reader_rules_find_ignoring(settings->rules, identity) != NULL;
}

static gboolean
is_shown(const ScdReaders *readers, const ScdReaderState *state)
{
    return g_hash_table_contains(readers->by_name, state->name);
}

static gboolean
is_to_be_shown(const ScdReaders *readers, const ScdReaderState *state)
{
    const ScdIdentity *identity = g_hash_table_lookup(readers->identities, state->name);

    return identity && !is_ignored(readers, identity);
}

/* Of the seen readers, those that are identified and not ignored are on the bus. */
static void
update_shown_readers(ScdReaders *readers)
{
    const GPtrArray *seen = readers->seen->readers;

    for (guint i = 0; i < seen->len; i++)
        if (is_shown(readers, seen->pdata[i]) && !is_to_be_shown(readers, seen->pdata[i]))
            apply_steps_of_reader(readers, seen->pdata[i], NULL);
    for (guint i = 0; i < seen->len; i++)
        if (!is_shown(readers, seen->pdata[i]) && is_to_be_shown(readers, seen->pdata[i]))
            apply_steps_of_reader(readers, NULL, seen->pdata[i]);
}

/* After changing() and the changes themselves. */
static void
finish_change(ScdReaders *readers)
{
    const ScdReadersParts *parts = &readers->parts;
    const char *trouble = readers->seen->trouble;

    readers->begun = !trouble;
    parts->events->changed(trouble, parts->data);
}

/* Does nothing while readers are missing that pcscd had when it started. */
static void
update_if_complete(ScdReaders *readers)
{
    const ScdReadersParts *parts = &readers->parts;

    if (!readers->begun && readers->n_unknown > 0)
        return;
    parts->events->changing(readers->seen->trouble, parts->data);
    update_shown_readers(readers);
    finish_change(readers);
}

static void
update_identity(ScdReaders *readers, ScdReader *reader, const ScdIdentity *identity)
{
    g_autoptr(ScdIdentity) before = scd_identity_ref(scd_reader_identity(reader));

    scd_reader_identify(reader, identity);
    update_alias(readers, reader);
    update_shared_aliases(readers, before);
    update_shared_aliases(readers, identity);
    readers->parts.events->reader_renamed(reader, readers->parts.data);
}

/* The name now belongs to another reader: removes the former one from the bus. */
static void
forget_identity(ScdReaders *readers, const char *name)
{
    g_hash_table_insert(readers->identities, g_strdup(name), NULL);
    readers->n_unknown++;
    update_if_complete(readers);
}

/* Takes the identity. */
static void
apply_identity(ScdReaders *readers, const char *name, ScdIdentity *identity)
{
    const ScdIdentity *before = g_hash_table_lookup(readers->identities, name);

    if (before && scd_identity_is_elsewhere(identity, before)) {
        forget_identity(readers, name);
        before = NULL;
    }
    /* The identity from sysfs alone may arrive after the one from the driver. */
    if (before && !scd_identity_is_better(identity, before)) {
        scd_identity_unref(identity);
        return;
    }
    if (!before)
        readers->n_unknown--;
    g_hash_table_insert(readers->identities, g_strdup(name), identity);
    ScdReader *reader = g_hash_table_lookup(readers->by_name, name);
    if (reader && !is_ignored(readers, identity))
        update_identity(readers, reader, identity);
    else
        update_if_complete(readers);
}

static void
handle_identity(const char *name, ScdIdentity *identity, gpointer data)
{
    ScdReaders *readers = data;

    apply_identity(readers, name, identity);
    readers->parts.events->probed(name, readers->parts.data);
}

/* The name may belong to another device by now, whose probe has read its seat. */
static void
apply_seat(const char *name, const ScdUsbPort *port, const char *seat, gpointer data)
{
    ScdReaders *readers = data;
    const ScdIdentity *before = g_hash_table_lookup(readers->identities, name);
    ScdReader *reader = g_hash_table_lookup(readers->by_name, name);

    if (!before || !before->in_kernel || !scd_usb_port_equal(&before->usb_port, port) ||
        g_str_equal(before->seat, seat))
        return;
    ScdIdentity *identity = scd_identity_copy_with_seat(before, seat);
    g_hash_table_insert(readers->identities, g_strdup(name), identity);
    if (reader)
        update_identity(readers, reader, identity);
}

/* Notes the reader of a step, and begins to identify it. */
static void
note_step(ScdReaders *readers, const ScdStep *step)
{
    const char *name = step->state->name;
    const ScdIdentity *identity = g_hash_table_lookup(readers->identities, name);

    if (step->kind == SCD_STEP_READER_REMOVED) {
        scd_probes_forget(readers->probes, name);
        readers->n_unknown -= !identity;
        g_hash_table_remove(readers->identities, name);
        return;
    }
    if (step->kind == SCD_STEP_READER_ADDED) {
        g_hash_table_insert(readers->identities, g_strdup(name), NULL);
        readers->n_unknown++;
    }
    /* Without an identity, its first probe is still running, or will begin. */
    if (!identity || !identity->complete)
        scd_probes_start(readers->probes, name);
}

void
scd_readers_apply_snapshot(ScdReaders *readers, ScdSnapshot *snapshot)
{
    const ScdReadersParts *parts = &readers->parts;
    g_autoptr(GArray) steps = scd_difference(readers->seen, snapshot);
    ScdErrorCode why = snapshot->trouble ? SCD_E_NO_SERVICE : SCD_E_READER_UNAVAILABLE;
    gboolean changes = readers->begun || snapshot->trouble;

    if (changes)
        parts->events->changing(snapshot->trouble, parts->data);
    for (guint i = 0; i < steps->len; i++) {
        const ScdStep *step = &g_array_index(steps, ScdStep, i);

        note_step(readers, step);
        if (is_shown(readers, step->state))
            apply_step(readers, step, why);
    }
    scd_snapshot_unref(readers->seen);
    readers->seen = scd_snapshot_ref(snapshot);
    if (changes) /* none is to be added: new readers are not identified yet */
        finish_change(readers);
    else
        update_if_complete(readers);
}

void
scd_readers_apply_settings(ScdReaders *readers)
{
    GHashTableIter iter;
    gpointer reader;

    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader))
        scd_reader_apply_settings(reader);
    if (readers->begun)
        update_if_complete(readers);
}

void
scd_readers_probe(ScdReaders *readers, const char *name)
{
    if (g_hash_table_lookup(readers->identities, name))
        scd_probes_start(readers->probes, name);
}

static void
probe_moved_reader(const char *name, gpointer data)
{
    scd_readers_probe(data, name);
}

void
scd_readers_check_relocation(ScdReaders *readers)
{
    scd_reader_relocation_check(readers->relocation);
}

ScdReaders *
scd_readers_new(const ScdReadersParts *parts)
{
    ScdReaders *readers = g_new0(ScdReaders, 1);

    readers->parts = *parts;
    readers->probes = scd_probes_new(parts->sysfs, handle_identity, readers);
    readers->seen = scd_snapshot_new_unavailable(NULL);
    readers->identities =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)scd_identity_unref);
    readers->relocation =
        scd_reader_relocation_new(parts->sysfs, readers->identities, probe_moved_reader, readers);
    if (g_str_equal(parts->sysfs, SCD_REAL_SYSFS))
        readers->seat_watch = scd_seat_watch_new(readers->identities, apply_seat, readers);
    readers->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    readers->changes = (guint32)(g_get_monotonic_time() / 1000);
    return readers;
}

void
scd_readers_free(ScdReaders *readers)
{
    GHashTableIter iter;
    gpointer reader;

    scd_tree_stop_signals(readers->parts.reader.tree);
    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader))
        scd_reader_free(reader, SCD_P_SHUTDOWN);
    g_hash_table_unref(readers->by_name);
    g_clear_pointer(&readers->seat_watch, scd_seat_watch_free);
    scd_reader_relocation_free(readers->relocation);
    scd_probes_free(readers->probes);
    g_hash_table_unref(readers->identities);
    scd_snapshot_unref(readers->seen);
    g_free(readers);
}

void
scd_readers_foreach_identity(const ScdReaders *readers,
                             void (*func)(const ScdIdentity *identity, gpointer data),
                             gpointer data)
{
    GHashTableIter iter;
    gpointer identity;

    g_hash_table_iter_init(&iter, readers->identities);
    while (g_hash_table_iter_next(&iter, NULL, &identity))
        func(identity, data);
}

static gboolean
is_named_by(const ScdReader *reader, gconstpointer alias)
{
    return scd_alias_names(alias, scd_reader_identity(reader));
}

static gboolean
has_name(const ScdReader *reader, gconstpointer selector)
{
    return g_str_equal(scd_reader_name(reader), selector);
}

static gboolean
has_object_path(const ScdReader *reader, gconstpointer selector)
{
    return g_str_equal(scd_reader_path(reader), selector);
}

/*
 * A USB path has only one written form, so a port is a prefix of the path. A slash and the number
 * of the slot may follow, which no path contains.
 */
static gboolean
is_at_usb_port(const ScdReader *reader, gconstpointer selector)
{
    const char *path = scd_reader_usb_path(reader), *text = selector;
    gsize length = strcspn(text, "/");
    g_autofree char *slot = g_strdup_printf("/%u", scd_reader_identity(reader)->slot);

    return length > 0 && strncmp(path, text, length) == 0 &&
           (path[length] == '\0' || path[length] == ':') &&
           (text[length] == '\0' || g_str_equal(text + length, slot));
}

static gboolean
has_serial(const ScdReader *reader, gconstpointer selector)
{
    return g_str_equal(scd_reader_identity(reader)->serial, selector);
}

/* Returns any reader that matches. ambiguous: whether there are several. */
static ScdReader *
find_matching_reader(const ScdReaders *readers,
                     gboolean (*fits)(const ScdReader *reader, gconstpointer selector),
                     gconstpointer selector, gboolean *ambiguous)
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
    /* The serial number comes last: it is set by the device, which must not be taken for another
     * one. */
    gboolean (*const ways[])(const ScdReader *, gconstpointer) = {has_name, has_object_path,
                                                                  is_at_usb_port, has_serial};
    const ScdAlias *alias = scd_aliases_find(readers->parts.aliases, selector);
    gboolean ambiguous = FALSE;
    ScdReader *found = alias ? find_matching_reader(readers, is_named_by, alias, &ambiguous) : NULL;

    if (!*selector) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "The name of the reader must not be empty");
        return NULL;
    }
    if (!found) /* first, so that no other name that is shown alike makes it ambiguous */
        found = g_hash_table_lookup(readers->by_name, selector);
    for (gsize i = 0; !found && i < G_N_ELEMENTS(ways); i++)
        found = find_matching_reader(readers, ways[i], selector, &ambiguous);
    g_autofree char *quoted = found && !ambiguous ? NULL : scd_error_quote(selector);
    if (ambiguous) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "Several readers match %s: use an object path", quoted);
        return NULL;
    }
    if (!found)
        g_set_error(
            error, SCD_ERROR, SCD_E_UNKNOWN_READER,
            "No reader matches %s: use the alias, the name, the USB port, the serial number "
            "or the object path of a connected reader",
            quoted);
    return found;
}

guint
scd_readers_count_named(const ScdReaders *readers, const ScdAlias *alias, const ScdIdentity *except)
{
    GHashTableIter iter;
    gpointer reader;
    guint count = 0;

    g_hash_table_iter_init(&iter, readers->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &reader))
        count += scd_reader_identity(reader) != except && is_named_by(reader, alias);
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

guint32
scd_readers_changes(const ScdReaders *readers)
{
    return readers->changes;
}
