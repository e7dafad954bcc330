/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The program's end of a channel (Session.OpenChannel): a SOCK_SEQPACKET socket that carries one
 * packet for each request, and one for each answer, in the same order; see frame-format.h.
 *
 * All functions may be called in any thread. There is no thread of the channel: answers are read by
 * a thread that waits for one, or by a source in each main context that does. The one that reads
 * ends the requests of the others, too.
 *
 * A cancellation packet ends all requests before it that are not on the card. So the channel sends
 * those that the program did not cancel once more, in their order, before any later request.
 */

#include "request.h"

typedef struct SmartcarddChannel SmartcarddChannel;

/* Takes ownership of the descriptor. */
SmartcarddChannel *smartcardd_channel_new(int fd);
SmartcarddChannel *smartcardd_channel_ref(SmartcarddChannel *channel);
void smartcardd_channel_unref(SmartcarddChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmartcarddChannel, smartcardd_channel_unref)

/* Ends all requests as lost, and later ones too. */
void smartcardd_channel_close(SmartcarddChannel *channel);

gboolean smartcardd_channel_is_closed(SmartcarddChannel *channel);

/*
 * Sends requests. Does not block. The answers are read in the thread-default main context of the
 * calling thread; done may be called before this function returns.
 */
void smartcardd_channel_submit(SmartcarddChannel *channel, SmartcarddRequest **requests,
                               guint n_requests, GCancellable *cancellable);

/* Sends requests, and blocks until all have ended. */
void smartcardd_channel_exchange(SmartcarddChannel *channel, SmartcarddRequest **requests,
                                 guint n_requests, GCancellable *cancellable);
