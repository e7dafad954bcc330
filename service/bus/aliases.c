/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/aliases.h"

#include <string.h>

#include "base/alias.h"
#include "base/error.h"
#include "pcsc/main-thread.h"

#define OWN_FILE "aliases"

/* A call of scd_aliases_set(); checked when the changes before it are done. */
typedef struct {
    ScdIdentity *reader;
    ScdAlias *alias; /* NULL to remove it */
    ScdAliasesFunc func;
    gpointer data;
} AliasChange;

/* A file that is being written. The thread owns it until it calls the main thread. */
typedef struct {
    ScdAliases *aliases; /* NULL once freed; for the main thread only */
    GPtrArray *next;     /* of ScdAlias: the content of text; for the main thread only */
    char *file;
    char *text;
    gboolean damaged;
    GError *error;
} AliasWriting;

struct ScdAliases {
    const ScdAliasesEvents *events;
    gpointer data;
    ScdSettings *settings;
    GPtrArray *own;        /* of ScdAlias, set by SetAlias() */
    char *file;            /* for own; NULL: not stored */
    gboolean damaged;      /* parts of the file could not be parsed */
    gboolean warned;       /* that they are not stored */
    GQueue changes;        /* of AliasChange; the first may be in writing */
    AliasWriting *writing; /* or NULL */
};

static const ScdAlias *
find_alias_in(const GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++) {
        const ScdAlias *alias = list->pdata[i];

        if (g_str_equal(alias->name, name))
            return alias;
    }
    return NULL;
}

const ScdAlias *
scd_aliases_find(const ScdAliases *aliases, const char *name)
{
    const ScdAlias *alias = find_alias_in(aliases->settings->aliases, name);

    return alias ? alias : find_alias_in(aliases->own, name);
}

/* Other readers may fit an alias too: then it is that of none. */
static gboolean
is_only_one(const ScdAliases *aliases, const ScdAlias *alias, const ScdIdentity *reader)
{
    return !scd_alias_may_be_shared(alias) ||
           aliases->events->count(alias, reader, aliases->data) == 0;
}

static gboolean
matches_reader(const ScdAliases *aliases, const ScdAlias *alias, const ScdIdentity *reader,
               gboolean or_shared)
{
    return scd_alias_names(alias, reader) && (or_shared || is_only_one(aliases, alias, reader));
}

static const ScdAlias *
find_alias_of(const ScdAliases *aliases, const ScdIdentity *reader, gboolean or_shared)
{
    const GPtrArray *settings = aliases->settings->aliases;

    for (guint i = 0; i < settings->len; i++)
        if (matches_reader(aliases, settings->pdata[i], reader, or_shared))
            return settings->pdata[i];
    for (guint i = 0; i < aliases->own->len; i++) {
        const ScdAlias *alias = aliases->own->pdata[i];

        if (!find_alias_in(settings, alias->name) &&
            matches_reader(aliases, alias, reader, or_shared))
            return alias;
    }
    return NULL;
}

const ScdAlias *
scd_aliases_of(const ScdAliases *aliases, const ScdIdentity *reader)
{
    return find_alias_of(aliases, reader, FALSE);
}

void
scd_aliases_log_if_shared(const ScdAliases *aliases, const ScdIdentity *reader)
{
    const ScdAlias *alias = find_alias_of(aliases, reader, TRUE);

    if (!alias || is_only_one(aliases, alias, reader))
        return;
    if (alias->rule)
        g_message("Alias '%s' names no reader: [Reader %s] in %s applies to several", alias->name,
                  alias->rule->label, alias->file);
    else
        g_message("Alias '%s' names no reader: several have serial number '%s'", alias->name,
                  alias->serial);
}

gboolean
scd_aliases_are_bound_by_rules(const ScdAliases *aliases)
{
    const GPtrArray *settings = aliases->settings->aliases;

    return settings->len > 0 && ((const ScdAlias *)settings->pdata[0])->rule;
}

static void
log_faults(const char *file, char **faults)
{
    for (char **fault = faults; *fault; fault++)
        g_warning("%s: %s", file, *fault);
}

static void
read_own_file(ScdAliases *aliases)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    if (!g_file_get_contents(aliases->file, &text, &length, &error)) {
        aliases->damaged = !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
        if (aliases->damaged)
            g_warning("Cannot read aliases, and none can be set: %s", error->message);
        return;
    }
    g_auto(GStrv) faults = scd_alias_file_read(aliases->own, text, length);
    log_faults(aliases->file, faults);
    aliases->damaged = *faults != NULL;
    if (aliases->damaged)
        g_warning("A copy of %s will be kept when an alias is set", aliases->file);
}

ScdAliases *
scd_aliases_new(ScdSettings *settings, const char *own, const ScdAliasesEvents *events,
                gpointer data)
{
    ScdAliases *aliases = g_new0(ScdAliases, 1);
    aliases->events = events;
    aliases->data = data;
    aliases->settings = scd_settings_ref(settings);
    aliases->own = scd_alias_file_new();
    g_queue_init(&aliases->changes);
    if (own) {
        aliases->file = g_build_filename(own, OWN_FILE, NULL);
        read_own_file(aliases);
    }
    return aliases;
}

/* Ends the first change. next: the new aliases, NULL if the change failed. */
static void
finish_change(ScdAliases *aliases, GPtrArray *next, const GError *error)
{
    g_autofree AliasChange *change = g_queue_pop_head(&aliases->changes);
    g_autoptr(ScdIdentity) reader G_GNUC_UNUSED = change->reader;
    g_autoptr(ScdAlias) alias G_GNUC_UNUSED = change->alias;

    if (next) {
        g_ptr_array_unref(aliases->own);
        aliases->own = g_ptr_array_ref(next);
        aliases->events->changed(aliases->data);
    }
    change->func(error, change->data);
}

void
scd_aliases_free(ScdAliases *aliases)
{
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_P_SHUTDOWN, "The service is shutting down");

    while (!g_queue_is_empty(&aliases->changes))
        finish_change(aliases, NULL, error);
    if (aliases->writing)
        aliases->writing->aliases = NULL;
    scd_settings_unref(aliases->settings);
    g_ptr_array_unref(aliases->own);
    g_free(aliases->file);
    g_free(aliases);
}

void
scd_aliases_apply_settings(ScdAliases *aliases, ScdSettings *settings)
{
    g_autoptr(ScdSettings) before G_GNUC_UNUSED = aliases->settings;

    aliases->settings = scd_settings_ref(settings);
    aliases->events->changed(aliases->data);
}

/* An alias from a configuration file cannot be changed or removed by the service. */
static gboolean
check_conflict_with_settings(const ScdAliases *aliases, const AliasChange *change, GError **error)
{
    const GPtrArray *settings = aliases->settings->aliases;
    const ScdAlias *of_reader = NULL;
    const ScdAlias *same =
        change->alias ? find_alias_in(aliases->settings->aliases, change->alias->name) : NULL;

    for (guint i = 0; !of_reader && i < settings->len; i++)
        if (scd_alias_names(settings->pdata[i], change->reader))
            of_reader = settings->pdata[i];
    if (of_reader)
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "This reader's alias '%s' is set in %s: change it there", of_reader->name,
                    of_reader->file);
    else if (same)
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "Alias '%s' is set in %s, for another reader", same->name, same->file);
    return !of_reader && !same;
}

/* An alias of a disconnected reader may be reassigned: no call could remove it otherwise. */
static gboolean
check_conflict_with_own(const ScdAliases *aliases, const AliasChange *change, GError **error)
{
    const ScdAlias *same = find_alias_in(aliases->own, change->alias->name);

    gboolean is_others = same && !scd_alias_names(same, change->reader) &&
                         aliases->events->count(same, NULL, aliases->data) > 0;
    gboolean is_shared =
        change->alias->serial && aliases->events->count(change->alias, NULL, aliases->data) > 1;

    if (is_others)
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "Another reader has alias '%s': remove it there first", same->name);
    else if (is_shared)
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "Several readers have serial number '%s': bind the alias to the port",
                    change->alias->serial);
    return !is_others && !is_shared;
}

/* Returns the aliases after the change. */
static GPtrArray *
apply_change(const ScdAliases *aliases, const AliasChange *change, GError **error)
{
    g_autoptr(GPtrArray) next = scd_alias_file_new();

    if (!check_conflict_with_settings(aliases, change, error) ||
        (change->alias && !check_conflict_with_own(aliases, change, error)))
        return NULL;
    for (guint i = 0; i < aliases->own->len; i++) {
        const ScdAlias *alias = aliases->own->pdata[i];

        if (!scd_alias_names(alias, change->reader) &&
            !(change->alias && g_str_equal(alias->name, change->alias->name)))
            g_ptr_array_add(next, scd_alias_copy(alias));
    }
    if (change->alias && next->len >= SCD_ALIASES_MAX) {
        g_set_error(error, SCD_ERROR, SCD_LIMITS_EXCEEDED,
                    "There are %d aliases already: remove one first", SCD_ALIASES_MAX);
        return NULL;
    }
    if (change->alias)
        g_ptr_array_add(next, scd_alias_copy(change->alias));
    return g_steal_pointer(&next);
}

/* Under a name that is not in use: no former copy is overwritten. */
static gboolean
copy_damaged_file_in_thread(const char *file, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *copy = NULL;
    gsize length;

    if (!g_file_get_contents(file, &text, &length, error))
        return FALSE;
    for (guint i = 1; !copy || g_file_test(copy, G_FILE_TEST_EXISTS); i++) {
        g_free(copy);
        copy = g_strdup_printf("%s.damaged-%u", file, i);
    }
    return g_file_set_contents_full(copy, text, length,
                                    G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                    0600, error);
}

static void
free_writing(gpointer data)
{
    AliasWriting *writing = data;
    g_ptr_array_unref(writing->next);
    g_free(writing->file);
    g_free(writing->text);
    g_clear_error(&writing->error);
    g_free(writing);
}

static void process_changes(ScdAliases *aliases);

static gboolean
handle_written(gpointer data)
{
    AliasWriting *writing = data;
    ScdAliases *aliases = writing->aliases;
    g_autoptr(GError) error = NULL;

    if (!aliases)
        return G_SOURCE_REMOVE;
    aliases->writing = NULL;
    if (writing->error)
        g_set_error(&error, SCD_ERROR, SCD_NOT_SAVED, "The alias was not changed: %s",
                    writing->error->message);
    else
        aliases->damaged = FALSE;
    finish_change(aliases, error ? NULL : writing->next, error);
    process_changes(aliases);
    return G_SOURCE_REMOVE;
}

static gpointer
write_in_thread(gpointer data)
{
    AliasWriting *writing = data;

    if (!writing->damaged || copy_damaged_file_in_thread(writing->file, &writing->error))
        g_file_set_contents_full(writing->file, writing->text, -1,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 &writing->error);
    scd_main_thread_invoke(handle_written, writing, free_writing);
    return NULL;
}

static void
start_writing(ScdAliases *aliases, GPtrArray *next)
{
    AliasWriting *writing = g_new0(AliasWriting, 1);

    writing->aliases = aliases;
    writing->next = g_ptr_array_ref(next);
    writing->file = g_strdup(aliases->file);
    writing->text = scd_alias_file_write(next);
    writing->damaged = aliases->damaged;
    aliases->writing = writing;
    GThread *thread = g_thread_try_new("aliases", write_in_thread, writing, &writing->error);
    if (thread)
        g_thread_unref(thread);
    else
        scd_main_thread_invoke(handle_written, writing, free_writing);
}

static gboolean
has_effect(const ScdAliases *aliases, const AliasChange *change, const GPtrArray *next)
{
    return change->alias || next->len != aliases->own->len;
}

static void
process_changes(ScdAliases *aliases)
{
    while (!aliases->writing && !g_queue_is_empty(&aliases->changes)) {
        const AliasChange *change = g_queue_peek_head(&aliases->changes);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) next = apply_change(aliases, change, &error);

        if (next && aliases->file && has_effect(aliases, change, next))
            start_writing(aliases, next);
        else
            finish_change(aliases, next, error);
    }
}

/* Once, at the first change: users expect aliases to be stored. */
static void
warn_if_not_stored(ScdAliases *aliases)
{
    if (!aliases->file && !aliases->warned)
        g_message("Aliases are lost when the service ends: it has no folder to store them in "
                  "(--state, or StateDirectory= of its unit)");
    aliases->warned = TRUE;
}

void
scd_aliases_set(ScdAliases *aliases, const ScdIdentity *reader, ScdAlias *alias,
                ScdAliasesFunc func, gpointer data)
{
    AliasChange *change = g_new0(AliasChange, 1);

    change->reader = scd_identity_ref(reader);
    change->alias = alias;
    change->func = func;
    change->data = data;
    g_queue_push_tail(&aliases->changes, change);
    warn_if_not_stored(aliases);
    process_changes(aliases);
}
