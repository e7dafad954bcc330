/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All aliases there are (base/alias.h): those of the administrator's files of settings, which only
 * he changes, and those of our own file, which SetAlias() changes.
 *
 * Settings win: one of ours of the same name counts for nothing as long as they have it. A change
 * counts when it is on the disk, and not at all when it does not get there. Changes are written one
 * after the other, the whole file at once, by a thread of their own. What of our file was not
 * understood is kept beside it before it is written again.
 */

#include "base/alias.h"

#define SCD_ALIASES_MAX 1024 /* of those that SetAlias() gives */

typedef struct ScdAliases ScdAliases;

typedef struct {
    /* How many readers that are there now it names. */
    guint (*count)(const ScdAlias *alias, gpointer data);
    /* Readers may have other aliases now. */
    void (*changed)(gpointer data);
} ScdAliasesEvents;

/*
 * Reads both, for nobody is there yet to wait for it. settings: folder of the files *.conf; own:
 * folder of our file, or NULL: then aliases last as long as this.
 */
ScdAliases *scd_aliases_new(const char *settings, const char *own, const ScdAliasesEvents *events,
                            gpointer data);

/* What is being written may get to the disk or not. */
void scd_aliases_free(ScdAliases *aliases);

/* NULL when there is none of that name. */
const ScdAlias *scd_aliases_find(const ScdAliases *aliases, const char *name);

/* Any that names the reader, NULL when none does. shared: others there have its serial number. */
const ScdAlias *scd_aliases_of(const ScdAliases *aliases, const ScdIdentity *reader,
                               gboolean shared);

typedef void (*ScdAliasesFunc)(const GError *error, gpointer data);

/*
 * Gives the reader this alias, which is taken over, in place of any other one of ours; NULL takes
 * that away. Calls func exactly once, maybe at once, with an error when all stays as it was:
 * SCD_INVALID_ARGUMENT when settings or another reader have it, SCD_LIMIT_EXCEEDED, SCD_NOT_SAVED,
 * SCD_P_SHUTDOWN.
 */
void scd_aliases_set(ScdAliases *aliases, const ScdIdentity *reader, ScdAlias *alias,
                     ScdAliasesFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdAliases, scd_aliases_free)
