/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers that SCardGetStatusChange watches, with their last known states,
 * and the plug-and-play entry that tells of new ones. Belongs to one thread,
 * the only one of the process that may call SCardListReaders and
 * SCardGetStatusChange: in pcsc-lite 1.9.9 these share an unguarded table.
 *
 * Never believed at the first word: that a reader has gone (2.5 says so of
 * readers that are there), and lists with garbage in them (2.5, while readers
 * are being added).
 */

#include <glib.h>

#include "pcsc/snapshot.h"

typedef struct ScdWatchList ScdWatchList;

ScdWatchList *scd_watch_list_new(void);
void scd_watch_list_free(ScdWatchList *list);

/* Forgets all readers, for a new context. */
void scd_watch_list_reset(ScdWatchList *list);

/* Asks which readers there are. Returns a PC/SC code; no readers is a success. */
guint32 scd_watch_list_enumerate(ScdWatchList *list, long context);

/*
 * Waits for an event of a reader or for a new reader, and takes in what it
 * learns. Returns the PC/SC code of SCardGetStatusChange; 0 for the time-out
 * looks and returns at once.
 */
guint32 scd_watch_list_wait(ScdWatchList *list, long context, guint timeout_ms);

/* Whether the last call learned that the list of readers may be out of date. */
gboolean scd_watch_list_is_doubtful(const ScdWatchList *list);

/* Whether the last scd_watch_list_wait() learned the state of each reader in the list. */
gboolean scd_watch_list_saw_all(const ScdWatchList *list);

/* Whether there are readers whose state nobody asked for yet. */
gboolean scd_watch_list_has_unseen(const ScdWatchList *list);

/* Whether a reader that comes between two waits ends the second one: since pcsc-lite 2.3. */
gboolean scd_watch_list_misses_none(const ScdWatchList *list);

/* Counts the changes to the list of readers. */
guint scd_watch_list_generation(const ScdWatchList *list);

/* The states of all readers that were seen, as ScdSnapshot wants them. */
GPtrArray *scd_watch_list_states(const ScdWatchList *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdWatchList, scd_watch_list_free)
