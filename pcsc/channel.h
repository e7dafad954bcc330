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
} ScdChannel;

typedef struct {
    ScdFrameOperation operation;
    uint32_t argument;
    const void *data;
    size_t length; /* at most MAX_BUFFER_SIZE_EXTENDED */
} ScdRequest;

typedef struct {
    void *buffer; /* left alone when the answer has no room */
    size_t size;
    size_t length; /* of the whole answer, 0 unless the code is SCARD_S_SUCCESS */
    uint32_t protocol;
    LONG code;
} ScdAnswer;

typedef enum {
    SCD_ANSWERED,
    SCD_NOT_SENT, /* the service has hung up, or there is no channel */
    SCD_NO_ANSWER,
} ScdAskResult;

void scd_channel_init(ScdChannel *channel);
void scd_channel_clear(ScdChannel *channel);

/* Takes over the descriptor; false when out of memory. */
bool scd_channel_open(ScdChannel *channel, int fd);
void scd_channel_close(ScdChannel *channel);

ScdAskResult scd_channel_ask(ScdChannel *channel, const ScdRequest *request, ScdAnswer *answer);

/* From any thread: who waits for its turn waits no longer. */
void scd_channel_interrupt(ScdChannel *channel);
bool scd_channel_is_interrupted(ScdChannel *channel);
