/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The program's end of a session's channel (Session.OpenChannel): a SOCK_SEQPACKET socket that
 * carries one packet for each request and one for its reply; see frame-format.h.
 *
 * The caller serializes all functions but pld_channel_interrupt() and
 * pld_channel_is_interrupted(), which may be called from any thread at any time.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "frame-format.h"
#include "pcsc.h"

typedef struct {
    int fd;               /* -1 while the channel is closed */
    pthread_mutex_t lock; /* protects fd against interruption, waiting and interrupted */
    bool waiting;         /* for the reply to SCD_FRAME_BEGIN, possibly without end */
    bool interrupted;     /* never reset */
    uint8_t *packet;      /* may contain secrets: cleared after each use */
} PldChannel;

typedef struct {
    ScdFrameOperation operation;
    uint32_t argument;
    const void *data;
    size_t length; /* at most MAX_BUFFER_SIZE_EXTENDED */
} PldRequest;

typedef struct {
    void *buffer; /* the caller's; left unchanged if it is too small for the data */
    size_t size;
    size_t length; /* of all data of the reply, possibly > size; 0 unless code is SCARD_S_SUCCESS */
    uint32_t protocol;
    LONG code;
} PldReply;

typedef enum {
    PLD_REPLIED,  /* the reply is complete */
    PLD_NOT_SENT, /* the channel is closed, by this end or by the service */
    PLD_NO_REPLY, /* the service closed the channel, or sent an invalid reply */
} PldExchangeResult;

void pld_channel_init(PldChannel *channel);
void pld_channel_clear(PldChannel *channel);

/* Takes ownership of fd in any case. Returns false when out of memory. */
bool pld_channel_open(PldChannel *channel, int fd);
void pld_channel_close(PldChannel *channel);

/* Sends a request and blocks until its reply arrives, or the service closes the channel. */
PldExchangeResult pld_channel_exchange(PldChannel *channel, const PldRequest *request,
                                       PldReply *reply);

/*
 * Ends a pld_channel_exchange() that waits for a transaction, now or later, with PLD_NO_REPLY.
 * Other requests are not interrupted: the card may be executing them.
 */
void pld_channel_interrupt(PldChannel *channel);
bool pld_channel_is_interrupted(PldChannel *channel);
