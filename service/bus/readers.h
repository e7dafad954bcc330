/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers on the bus, kept in step with the monitor's snapshots.
 */

#include "bus/reader.h"

typedef struct ScdReaders ScdReaders;

/* card_list: what ATRs are known as, or NULL; must live longer. */
ScdReaders *scd_readers_new(ScdTree *tree, ScdSessions *sessions, ScdWaiters *waiters,
                            const ScdCardList *card_list);

/* Takes all readers and cards from the bus. */
void scd_readers_free(ScdReaders *readers);

/* Carries out what differs between the last snapshot and this one. */
void scd_readers_follow(ScdReaders *readers, ScdSnapshot *snapshot);

/* The one reader that a person means by an object path, a PC/SC name, or a serial number. */
ScdReader *scd_readers_find(ScdReaders *readers, const char *selector, GError **error);

/* Any reader of which fits(name, reader, data) is true, or NULL. */
ScdReader *scd_readers_search(ScdReaders *readers, GHRFunc fits, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaders, scd_readers_free)
