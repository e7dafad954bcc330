/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The program's end of a session's channel (Session.OpenChannel): a packet out,
 * a packet back. One thread at a time asks; any thread may interrupt it.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "frame-format.h"
#include "pcsc.h"

typedef struct {
    int fd;               /* -1 when there is none */
    pthread_mutex_t lock; /* of what can be interrupted; held for no longer than a look */
    bool waits;           /* for its turn, which may take for ever */
    bool interrupted;     /* for good */
    uint8_t *packet;      /* there may be secrets in it: wiped after each use */
} PldChannel;

typedef struct {
    ScdFrameOperation operation;
    uint32_t argument;
    const void *data;
    size_t length; /* at most MAX_BUFFER_SIZE_EXTENDED */
} PldRequest;

typedef struct {
    void *buffer; /* left alone when the answer has no room */
    size_t size;
    size_t length; /* of the whole answer, 0 unless the code is SCARD_S_SUCCESS */
    uint32_t protocol;
    LONG code;
} PldAnswer;

typedef enum {
    PLD_ANSWERED,
    PLD_NOT_SENT, /* the service has hung up, or there is no channel */
    PLD_NO_ANSWER,
} PldAskResult;

void pld_channel_init(PldChannel *channel);
void pld_channel_clear(PldChannel *channel);

/* Takes over the descriptor; false when out of memory. */
bool pld_channel_open(PldChannel *channel, int fd);
void pld_channel_close(PldChannel *channel);

PldAskResult pld_channel_ask(PldChannel *channel, const PldRequest *request, PldAnswer *answer);

/* From any thread: who waits for its turn waits no longer. */
void pld_channel_interrupt(PldChannel *channel);
bool pld_channel_is_interrupted(PldChannel *channel);
