/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The program's end of a session's channel (Session.OpenChannel): a SOCK_SEQPACKET socket that
 * carries one packet for each request and one for its reply; see frame-format.h.
 *
 * The caller serializes all functions but pld_channel_cancel(), pld_channel_interrupt(),
 * pld_channel_resume() and pld_channel_is_interrupted(), which may be called from any thread.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "frame-format.h"
#include "pcsc.h"

typedef struct {
    ScdFrameOperation operation;
    uint32_t argument;
    const void *data;
    size_t length; /* at most MAX_BUFFER_SIZE_EXTENDED */
    bool no_wait;  /* fail with SCARD_E_TIMEOUT instead of waiting for others; else no time limit */

    /* For pld_channel_cancel(): the counter of cancellations, and its value when the program's call
     * began. NULL for a request that pld_channel_cancel() does not end. */
    const atomic_uint *cancels;
    unsigned cancels_seen;
} PldRequest;

typedef struct {
    int fd;                    /* -1 while the channel is closed */
    ino_t socket;              /* inode number of fd */
    uint8_t *answer;           /* may contain secrets: cleared after each use */
    pthread_mutex_t lock;      /* protects fd against other threads, and the fields below */
    const PldRequest *pending; /* sent, without a reply yet; NULL if other threads cannot end it */
    bool cancel_sent;          /* SCD_FRAME_CANCEL, for the request of the last exchange */
    bool interrupted;          /* the session is being closed */
} PldChannel;

typedef struct {
    void *buffer; /* the caller's; left unchanged if it is too small for the data */
    size_t size;
    size_t length; /* of all data of the reply, possibly > size; 0 unless code is SCARD_S_SUCCESS */
    uint32_t protocol;
    LONG code;
} PldReply;

typedef enum {
    PLD_REPLIED,   /* the reply is complete */
    PLD_NOT_SENT,  /* the channel is closed, by this end or by the service */
    PLD_NO_REPLY,  /* the service closed the channel, or sent an invalid reply */
    PLD_CANCELLED, /* another thread ended the request before it reached the card */
} PldExchangeResult;

void pld_channel_init(PldChannel *channel);
void pld_channel_clear(PldChannel *channel);

/* Takes ownership of fd in any case. Returns false when out of memory. */
bool pld_channel_open(PldChannel *channel, int fd);
void pld_channel_close(PldChannel *channel);

/*
 * Closes the descriptor of a channel that another process goes on with, unless the program has
 * closed it already. The channel may be in any state.
 */
void pld_channel_close_copy(PldChannel *channel);

/* Sends a request and blocks until its reply arrives, or the service closes the channel. */
PldExchangeResult pld_channel_exchange(PldChannel *channel, const PldRequest *request,
                                       PldReply *reply);

/*
 * Both end a pld_channel_exchange() of another thread with PLD_CANCELLED, unless the card is
 * executing the request: then the exchange returns the reply. The first one ends only a request
 * with a count of cancellations, which the caller has increased. The second one ends all requests
 * but SCD_FRAME_END, and also later ones, until pld_channel_resume().
 */
void pld_channel_cancel(PldChannel *channel);
void pld_channel_interrupt(PldChannel *channel);
void pld_channel_resume(PldChannel *channel);
bool pld_channel_is_interrupted(PldChannel *channel);
