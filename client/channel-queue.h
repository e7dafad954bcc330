/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The queues of a channel: requests that wait to be sent, and those that are in flight. Sends
 * packets and receives answers. For channel.c only; all functions but
 * smartcardd_channel_queue_call_functions() need the lock of the channel.
 */

#include "request.h"

typedef struct SmartcarddChannel SmartcarddChannel;

#define SMARTCARDD_ANSWER_MAX (SCD_FRAME_ANSWER_HEADER + 65548)

/* Answers that one system call receives. */
#define SMARTCARDD_RECEIVE_BATCH 32

/*
 * How long to wait for the service's answer to a cancellation or a time limit, which it gives at
 * once unless the card is executing the request. In a transaction nothing but that takes time:
 * there the end of a time limit is the end of the request.
 */
#define SMARTCARDD_GRACE_US G_TIME_SPAN_SECOND

gint64 smartcardd_channel_queue_grace_of_limit(const SmartcarddRequest *request);

/* Waits for answers in a main context. */
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
    gboolean attention; /* requests were cancelled */
    gboolean unsent_cancellation; /* the socket was full */
    guint32 last_code;   /* of the last answer: the reason if the service closes the channel */
    gboolean blocked;    /* the socket is full */
    gint64 alarm;        /* the next time limit; 0: none */
    guint n_cancellable; /* requests that can be cancelled, waiting or in flight */
    GQueue waiting;      /* not sent */
    GQueue in_flight;    /* in the order in which they were sent */
    GQueue again;        /* answered as cancelled because of others */
    guint32 card_used;   /* an answer to a request that was given up had this value */
    GList *watches;
};

/* Requests whose function is to be called when the lock is released. */
typedef GQueue SmartcarddEndedRequests;

/* Removes the watch of a main context unless requests wait for it. */
void smartcardd_channel_queue_remove_watch_locked(SmartcarddChannel *channel,
                                                  SmartcarddChannelWatch *watch);

/* The request is in no queue. Takes a reference to it. */
void smartcardd_channel_queue_end_locked(SmartcarddChannel *channel, SmartcarddRequest *request,
                                         SmartcarddRequestState state,
                                         SmartcarddEndedRequests *ended);

/* Calls the functions of the requests and releases them. Without the lock. */
void smartcardd_channel_queue_call_functions(SmartcarddEndedRequests *ended);

/* Wakes the threads that wait. */
void smartcardd_channel_queue_wake_locked(SmartcarddChannel *channel);

void smartcardd_channel_queue_close_locked(SmartcarddChannel *channel,
                                           SmartcarddEndedRequests *ended);

/* Sends as many waiting requests as possible. */
void smartcardd_channel_queue_send_locked(SmartcarddChannel *channel,
                                          SmartcarddEndedRequests *ended);

/* Has the queues checked at that time (monotonic). */
void smartcardd_channel_queue_set_alarm_locked(SmartcarddChannel *channel, gint64 time);

/* Handles cancellations and time limits. */
void smartcardd_channel_queue_check_locked(SmartcarddChannel *channel,
                                           SmartcarddEndedRequests *ended);

/*
 * Receives answers: those that are there with MSG_DONTWAIT, waits for one with MSG_WAITFORONE, and
 * for all that are in flight without a flag. The lock is released
 * meanwhile, and no other thread receives.
 */
void smartcardd_channel_queue_receive_locked(SmartcarddChannel *channel, int flags,
                                             SmartcarddEndedRequests *ended);
