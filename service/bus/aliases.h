/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The store of aliases (base/alias.h): those in the administrator's configuration files, which the
 * service only reads, and those set by SetAlias(), which it keeps in a file of its own.
 *
 * Configuration files take precedence: a stored alias of the same name has no effect while they
 * have it. A change takes effect when it is on disk, and not at all if writing fails. Changes
 * are written one after another, each time the whole file, by a separate thread. If parts of the
 * service's file could not be parsed, a copy is kept before it is overwritten.
 */

#include "base/alias.h"
#include "base/settings.h"

#define SCD_ALIASES_MAX 1024 /* set by SetAlias() */

typedef struct ScdAliases ScdAliases;

typedef struct {
    /* Returns the number of connected readers that the alias matches. except: does not count */
    guint (*count)(const ScdAlias *alias, const ScdIdentity *except, gpointer data);
    /* Aliases of readers may have changed. */
    void (*changed)(gpointer data);
} ScdAliasesEvents;

/*
 * Reads the service's file; blocks. own: the folder of that file, or NULL: then aliases that are
 * set are lost when the service ends.
 */
ScdAliases *scd_aliases_new(ScdSettings *settings, const char *own, const ScdAliasesEvents *events,
                            gpointer data);

/* To be called when the settings were read again. */
void scd_aliases_apply_settings(ScdAliases *aliases, ScdSettings *settings);

/* Ends pending changes with SCD_P_SHUTDOWN. One that is being written may still reach the disk. */
void scd_aliases_free(ScdAliases *aliases);

/* Returns NULL if there is no alias of that name. */
const ScdAlias *scd_aliases_find(const ScdAliases *aliases, const char *name);

/*
 * Returns the alias of the reader, or NULL: the last rule that has one and applies to it, else the
 * first one of [Aliases], else one that was set. An alias that fits several connected readers, by
 * a rule or a serial number, is that of none.
 */
const ScdAlias *scd_aliases_of(const ScdAliases *aliases, const ScdIdentity *reader);

/* Logs an alias that the reader would have, if it did not fit other readers too. */
void scd_aliases_log_if_shared(const ScdAliases *aliases, const ScdIdentity *reader);

/* Returns whether a reader that comes or goes may change the alias of any other one. */
gboolean scd_aliases_are_bound_by_rules(const ScdAliases *aliases);

typedef void (*ScdAliasesFunc)(const GError *error, gpointer data);

/*
 * Sets the alias of the reader, which replaces the one set before. alias: taken over; NULL removes
 * it. Calls func exactly once, possibly before this returns. Fails, without any change, with
 * SCD_INVALID_ARGS if a configuration file or another reader has the alias,
 * SCD_LIMITS_EXCEEDED, SCD_NOT_SAVED, or SCD_P_SHUTDOWN.
 */
void scd_aliases_set(ScdAliases *aliases, const ScdIdentity *reader, ScdAlias *alias,
                     ScdAliasesFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAliases, scd_aliases_free)
