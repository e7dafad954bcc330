/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers that SCardGetStatusChange watches, with their last known states, and the
 * plug-and-play entry that announces new readers. Belongs to one thread, the only one of the
 * process that may call SCardListReaders and SCardGetStatusChange: in pcsc-lite 1.9.9 these share
 * an unguarded table.
 *
 * A name is a sequence of bytes, and may be anything: it comes from the device. pcsc-lite 2.5 may
 * return a list with wrong names while readers are being added, and may report a reader that is
 * present as gone. So a list that differs from the known readers is read again: a reader is added
 * if the last two answers have it, or if two answers have it and pcscd has its state; it is removed
 * if the last two answers do not have it. A pcscd that is about to end removes its readers from the
 * list first; that counts as a lost connection.
 */

#include <glib.h>

#include "pcsc/snapshot.h"

typedef struct ScdWatchList ScdWatchList;

ScdWatchList *scd_watch_list_new(void);
void scd_watch_list_free(ScdWatchList *list);

/* Removes all readers, for a new context. */
void scd_watch_list_reset(ScdWatchList *list);

/*
 * Reads the list of readers from pcscd. Returns a PC/SC code; an empty list is a success. The list
 * stays doubtful if no two answers were the same.
 */
guint32 scd_watch_list_enumerate(ScdWatchList *list, long context);

/*
 * Waits for an event of a reader or for a new reader, and stores the new states. Returns the PC/SC
 * code of SCardGetStatusChange. With a time-out of 0 it reads all states and returns at once.
 */
guint32 scd_watch_list_wait(ScdWatchList *list, long context, guint timeout_ms);

/*
 * Returns whether the list of readers may be out of date, as of the last call: also after a wait
 * that only the time has ended, since a reader that appears between two waits may end none.
 */
gboolean scd_watch_list_is_doubtful(const ScdWatchList *list);

/* Returns whether the last scd_watch_list_wait() read the state of each reader in the list. */
gboolean scd_watch_list_saw_all(const ScdWatchList *list);

/* Returns whether there are readers whose state has not been read yet. */
gboolean scd_watch_list_has_unseen(const ScdWatchList *list);

/*
 * Returns whether a card that is swapped between two waits, or during one while this process is
 * slow, may not end a wait: libpcsclite does not compare an event count of 0, which a card has that
 * was in its reader before pcscd started.
 */
gboolean scd_watch_list_may_miss_swaps(const ScdWatchList *list);

/* Returns a number that increases with each change to the list of readers. */
guint scd_watch_list_generation(const ScdWatchList *list);

/* Returns the known states as an array for scd_snapshot_new(), which the caller unrefs. */
GPtrArray *scd_watch_list_states(const ScdWatchList *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdWatchList, scd_watch_list_free)
