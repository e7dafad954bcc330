/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The queues of a channel: requests that wait to be sent, and those that are in flight. Sends
 * packets and receives answers. For channel.c only. The caller of a function that ends in "_locked"
 * has the lock of the channel.
 */

#include "request.h"

typedef struct SmartcarddChannel SmartcarddChannel;

#define SMARTCARDD_ANSWER_MAX (SCD_FRAME_ANSWER_HEADER + 65548)

/* The number of answers that one system call receives at most. */
#define SMARTCARDD_RECEIVE_BATCH 32

/*
 * The time to wait for the service's answer after a cancellation or a time limit. The service
 * answers at once unless the card is executing the request. In a transaction only the card takes
 * time: there the request ends at its time limit.
 */
#define SMARTCARDD_GRACE_US G_TIME_SPAN_SECOND

gint64 smartcardd_channel_queue_grace_of_limit(const SmartcarddRequest *request);

/* A source that waits for answers in a main context. */
typedef struct {
    GSource source;
    GPollFD polled;
    SmartcarddChannel *channel; /* a reference */
    guint pending;              /* requests whose answers this context waits for */
} SmartcarddChannelWatch;

struct SmartcarddChannel {
    gint refs;
    int fd;
    guint8 *buffer; /* of RECEIVE_BATCH answers; wiped after use */

    GMutex lock; /* protects all below */
    GCond changed;
    guint n_waiters; /* threads that wait for "changed" */
    gboolean closed;
    gboolean reading;   /* a thread receives, without the lock */
    gboolean draining;  /* a cancellation was sent: nothing is sent until all is answered */
    gboolean attention; /* requests were cancelled, or are over their time limit: check them */
    gboolean unsent_cancellation; /* a cancellation has to be sent: the socket was full */
    guint32 last_code;   /* of the last answer: the reason if the service closes the channel */
    gboolean blocked;    /* the socket is full */
    gint64 alarm;        /* the next time limit; 0: none */
    guint n_cancellable; /* requests that can be cancelled, waiting or in flight */
    GQueue waiting;      /* not sent */
    GQueue in_flight;    /* in the order in which they were sent */
    GQueue again;        /* cancelled together with others: to be sent once more */
    guint32 card_used;   /* the value of the answer to a SCD_FRAME_BEGIN that was given up */
    GList *watches;
};

/* Requests whose function is to be called when the lock is released. */
typedef GQueue SmartcarddEndedRequests;

/* Removes the watch of a main context unless requests wait for it. */
void smartcardd_channel_queue_remove_watch_locked(SmartcarddChannel *channel,
                                                  SmartcarddChannelWatch *watch);

/* Sets the state of a request that is in no queue, and appends it to ended, with its reference. */
void smartcardd_channel_queue_end_locked(SmartcarddChannel *channel, SmartcarddRequest *request,
                                         SmartcarddRequestState state,
                                         SmartcarddEndedRequests *ended);

/* Calls the functions of the requests and unrefs them. The caller does not have the lock. */
void smartcardd_channel_queue_call_functions(SmartcarddEndedRequests *ended);

/* Wakes the threads that wait. */
void smartcardd_channel_queue_wake_locked(SmartcarddChannel *channel);

/* Shuts the socket down, and ends all requests as lost. */
void smartcardd_channel_queue_close_locked(SmartcarddChannel *channel,
                                           SmartcarddEndedRequests *ended);

/* Sends as many waiting requests as possible. */
void smartcardd_channel_queue_send_locked(SmartcarddChannel *channel,
                                          SmartcarddEndedRequests *ended);

/* Makes the sources check the queues at this monotonic time, or earlier. */
void smartcardd_channel_queue_set_alarm_locked(SmartcarddChannel *channel, gint64 time);

/* Handles cancellations and time limits. */
void smartcardd_channel_queue_check_locked(SmartcarddChannel *channel,
                                           SmartcarddEndedRequests *ended);

/*
 * Receives answers, and ends their requests. flags: MSG_DONTWAIT does not block; MSG_WAITFORONE
 * blocks until there is one answer; 0 blocks until there are answers to all requests in flight, or
 * SMARTCARDD_RECEIVE_BATCH. The lock is released meanwhile, and no other thread receives.
 */
void smartcardd_channel_queue_receive_locked(SmartcarddChannel *channel, int flags,
                                             SmartcarddEndedRequests *ended);
