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

#define SCD_ALIASES_MAX 1024 /* set by SetAlias() */

typedef struct ScdAliases ScdAliases;

typedef struct {
    /* Returns the number of connected readers that the alias matches. */
    guint (*count)(const ScdAlias *alias, gpointer data);
    /* Aliases of readers may have changed. */
    void (*changed)(gpointer data);
} ScdAliasesEvents;

/*
 * Reads all files; blocks. settings: the folder of the *.conf files; own: the folder of the
 * service's file, or NULL: then aliases that are set are lost when the service ends.
 */
ScdAliases *scd_aliases_new(const char *settings, const char *own, const ScdAliasesEvents *events,
                            gpointer data);

/* Ends pending changes with SCD_P_SHUTDOWN. One that is being written may still reach the disk. */
void scd_aliases_free(ScdAliases *aliases);

/* Returns NULL if there is no alias of that name. */
const ScdAlias *scd_aliases_find(const ScdAliases *aliases, const char *name);

/*
 * Returns an alias that matches the reader, or NULL. shared: another connected reader has the same
 * serial number, so aliases that are bound to it do not match.
 */
const ScdAlias *scd_aliases_of(const ScdAliases *aliases, const ScdIdentity *reader,
                               gboolean shared);

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
