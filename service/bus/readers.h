/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All readers on the bus. Applies the snapshots of PC/SC to them, assigns aliases, and finds a
 * reader by the names that users give.
 */

#include "bus/aliases.h"
#include "bus/reader-tracker.h"
#include "bus/reader.h"

typedef struct ScdReaders ScdReaders;

/* Called after the signals of the event were emitted. */
typedef struct {
    void (*card_inserted)(ScdReader *reader, gpointer data);
    void (*card_removed)(const char *card_path, gpointer data);
    void (*reader_renamed)(ScdReader *reader, gpointer data); /* more names may match it */
} ScdReadersEvents;

/* All of it must outlive the readers. */
typedef struct {
    ScdReaderParts reader; /* for each reader */
    ScdAliases *aliases;
    const ScdReaderTracker *tracker;
    const ScdReadersEvents *events;
    gpointer data; /* for the events */
} ScdReadersParts;

ScdReaders *scd_readers_new(const ScdReadersParts *parts);

/* Removes all cards and readers from the bus, without a signal. */
void scd_readers_free(ScdReaders *readers);

/* Applies the differences from the last snapshot. The tracker must have identified its readers. */
void scd_readers_apply_snapshot(ScdReaders *readers, ScdSnapshot *snapshot);

/* Updates a reader whose device was identified better. Ignored if the reader is not on the bus. */
void scd_readers_identify(ScdReaders *readers, const char *name, const ScdIdentity *identity);

/* Returns the number of readers that the alias matches. except: does not count; NULL for none */
guint scd_readers_count_named(const ScdReaders *readers, const ScdAlias *alias,
                              const ScdIdentity *except);

/* Updates readers and cards, except for aliases, when the settings were read again. */
void scd_readers_apply_settings(ScdReaders *readers);

/* Updates all readers when aliases have changed. */
void scd_readers_update_aliases(ScdReaders *readers);

/*
 * Returns the reader that matches the selector, as documented for FindReader in Manager.xml.
 * Fails with SCD_E_UNKNOWN_READER, or with SCD_INVALID_ARGS if several match.
 */
ScdReader *scd_readers_find(ScdReaders *readers, const char *selector, GError **error);

/* Sets the numbers of readers and of cards on the bus. */
void scd_readers_count(const ScdReaders *readers, guint *n_readers, guint *n_cards);

/*
 * Returns how many readers were added and removed, plus a number that differs each time the service
 * starts. Increases after the signals of each addition and removal.
 */
guint32 scd_readers_changes(const ScdReaders *readers);

/* Returns any reader for which matches(name, reader, data) returns TRUE, or NULL. */
ScdReader *scd_readers_search(ScdReaders *readers, GHRFunc matches, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaders, scd_readers_free)
