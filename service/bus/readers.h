/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All readers of pcscd, from the snapshot that has them first to their objects on the bus, with
 * their aliases. Finds a reader by the names that users give.
 *
 * A reader's object path is derived from its device. So a probe identifies the device of each new
 * reader, and the reader is added to the bus when that is done, unless the settings ignore it. A
 * reader whose driver does not answer within a second is added with the identity from sysfs, and
 * identified again at its next event.
 *
 * The readers that pcscd has when it starts are added at once, when all are identified.
 */

#include "base/identity.h"
#include "base/settings.h"
#include "bus/aliases.h"
#include "bus/reader.h"
#include "pcsc/snapshot.h"

typedef struct ScdReaders ScdReaders;

typedef struct {
    /*
     * Called before and after readers on the bus are added, removed and updated by a snapshot, by
     * identities or by settings. trouble: why pcscd is not available; NULL: it is.
     */
    void (*changing)(const char *trouble, gpointer data);
    void (*changed)(const char *trouble, gpointer data);

    /* Called after the signals of the event were emitted. */
    void (*card_inserted)(ScdReader *reader, gpointer data);
    void (*card_removed)(const char *card_path, gpointer data);
    void (*reader_renamed)(ScdReader *reader, gpointer data); /* more names may match it */

    /* A probe of the reader has ended, with or without an answer of its driver. name: PC/SC name */
    void (*probed)(const char *name, gpointer data);
} ScdReadersEvents;

/* All of it must outlive the readers. */
typedef struct {
    ScdReaderParts reader; /* for each reader */
    const char *sysfs;     /* the path of /sys */
    ScdAliases *aliases;
    const ScdReadersEvents *events;
    gpointer data; /* for the events */
} ScdReadersParts;

ScdReaders *scd_readers_new(const ScdReadersParts *parts);

/* Removes all cards and readers from the bus, without a signal, and abandons probes. */
void scd_readers_free(ScdReaders *readers);

/* Applies the differences from the last snapshot of the monitor. */
void scd_readers_apply_snapshot(ScdReaders *readers, ScdSnapshot *snapshot);

/*
 * Checks soon whether a name now belongs to a reader at another USB port. Such a reader is removed
 * and added again, at the path of its port.
 */
void scd_readers_check_relocation(ScdReaders *readers);

/* Probes a reader that has been identified again, unless a probe of it is running. */
void scd_readers_probe(ScdReaders *readers, const char *name);

/* Calls func for each reader of pcscd: identity is NULL while it is not identified. */
void scd_readers_foreach_identity(const ScdReaders *readers,
                                  void (*func)(const ScdIdentity *identity, gpointer data),
                                  gpointer data);

/* Returns the number of readers that the alias matches. except: does not count; NULL for none */
guint scd_readers_count_named(const ScdReaders *readers, const ScdAlias *alias,
                              const ScdIdentity *except);

/*
 * To be called when the settings were read again: updates readers and cards, except for aliases.
 * Other readers than before may be ignored.
 */
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
