/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The program's end of a channel (Session.OpenChannel): a SOCK_SEQPACKET socket that carries one
 * packet for each request, and one for each answer, in the same order; see frame-format.h.
 *
 * All functions may be called in any thread. A channel has no thread of its own. Answers are
 * received by the threads that block in smartcardd_channel_exchange(), and by a source in each main
 * context in which requests were submitted, one at a time: the receiver ends the requests of the
 * others, too.
 *
 * The service has only one kind of cancellation packet, which ends all requests before it that are
 * not on the card. The channel then sends those that the program did not cancel once more, in their
 * order, before any later request.
 */

#include "request.h"

typedef struct SmartcarddChannel SmartcarddChannel;

/* Takes ownership of the descriptor. */
SmartcarddChannel *smartcardd_channel_new(int fd);
SmartcarddChannel *smartcardd_channel_ref(SmartcarddChannel *channel);
void smartcardd_channel_unref(SmartcarddChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmartcarddChannel, smartcardd_channel_unref)

/*
 * Shuts the socket down. Pending requests, and those that are submitted later, end in the state
 * SMARTCARDD_REQUEST_LOST.
 */
void smartcardd_channel_close(SmartcarddChannel *channel);

gboolean smartcardd_channel_is_closed(SmartcarddChannel *channel);

/*
 * Sends requests, without blocking. The answers are received in the thread-default main context of
 * the calling thread, or by another thread. The function "done" of a request may be called before
 * this function returns. cancellable: cancels all of them; NULL for none
 */
void smartcardd_channel_submit(SmartcarddChannel *channel, SmartcarddRequest **requests,
                               guint n_requests, GCancellable *cancellable);

/* Sends requests, and blocks until all have ended. Their "done" must be NULL. */
void smartcardd_channel_exchange(SmartcarddChannel *channel, SmartcarddRequest **requests,
                                 guint n_requests, GCancellable *cancellable);
