/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers on the bus, kept in step with the monitor's snapshots.
 */

#include "bus/reader-tracker.h"
#include "bus/reader.h"

typedef struct ScdReaders ScdReaders;

/* All of it must live longer. */
typedef struct {
    ScdTree *tree;
    ScdSessions *sessions;
    ScdWaitCalls *wait_calls;
    ScdAliases *aliases;
    const ScdReaderTracker *tracker;
    const ScdCardList *card_list; /* what ATRs are known as, or NULL */
} ScdReadersParts;

ScdReaders *scd_readers_new(const ScdReadersParts *parts);

/* Takes all readers and cards from the bus. */
void scd_readers_free(ScdReaders *readers);

/* Carries out what differs between the last snapshot and this one. Its readers are identified. */
void scd_readers_apply_snapshot(ScdReaders *readers, ScdSnapshot *snapshot);

/* More is known of a reader, by its PC/SC name; it need not be shown yet. */
void scd_readers_identify(ScdReaders *readers, const char *name, const ScdIdentity *identity);

/* How many readers the alias names. */
guint scd_readers_count_named(const ScdReaders *readers, const ScdAlias *alias);

/* There are other aliases now. */
void scd_readers_rename_all(ScdReaders *readers);

/* The one reader that a person means: see FindReader() of the Manager. */
ScdReader *scd_readers_find(ScdReaders *readers, const char *selector, GError **error);

void scd_readers_count(const ScdReaders *readers, guint *n_readers, guint *n_cards);

/* Any reader of which fits(name, reader, data) is true, or NULL. */
ScdReader *scd_readers_search(ScdReaders *readers, GHRFunc fits, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaders, scd_readers_free)
