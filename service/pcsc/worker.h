/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The worker of a reader in use: one thread with a PC/SC context of its own,
 * which carries out the jobs of all handles on that reader, one at a time, as
 * the reader itself does.
 *
 * It also decides between them (run-queue.h): the holder of the transaction first,
 * the others in the order in which they came. What needs no turn (a look, the
 * end of a connection that leaves the card as it is) does not wait for one. The
 * jobs of one handle are carried out in their order.
 *
 * A transaction that is idle for longer than the limit, while others wait,
 * ends: the card is reset, as its state was that of the holder. What other
 * programs on the machine do with the card is contention.h's.
 */

#include <glib.h>

typedef struct ScdWorker ScdWorker;

typedef struct {
    /* In the main thread: nobody has had a handle on the reader for a while. */
    void (*idle)(const char *reader, gpointer data);
    gpointer data;
    guint transaction_idle_limit_ms;
} ScdWorkerOptions;

/* reader: the PC/SC name. NULL with an error when there is no descriptor for it. */
ScdWorker *scd_worker_new(const char *reader, const ScdWorkerOptions *options, GError **error);

const char *scd_worker_reader(const ScdWorker *worker);

/* Whether any handle is in use. */
gboolean scd_worker_is_in_use(ScdWorker *worker);

/* The card has gone, and the transaction with it: nobody needs to wait for its end. */
void scd_worker_card_removed(ScdWorker *worker);

/* Lets the thread carry out what has been submitted, without waiting for other programs, and end.
 */
void scd_worker_stop(ScdWorker *worker);

/*
 * Frees a worker that was stopped, as soon as its thread has ended. FALSE when
 * it did not until the time (monotonic, microseconds): it is caught in a call of
 * libpcsclite, and both are left as they are.
 */
gboolean scd_worker_free(ScdWorker *worker, gint64 until);
