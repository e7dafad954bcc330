/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A socket through which a client sends commands to its session without the bus. Each packet of the
 * client becomes a job, and the answer to the job is a packet; both are frames, whose format is in
 * frame-format.h. Used in the worker's thread, except for functions that say otherwise.
 *
 * A client may have SCD_FRAME_REQUESTS_MAX requests that are not answered: more are not read. While
 * it leaves answers unread, no requests are read; and if there are too many of them, its jobs are
 * not executed. A client that violates the protocol is disconnected. The jobs of a client that has
 * disconnected are not executed.
 */

#include <glib.h>

#include "base/apdu.h"
#include "frame-format.h"
#include "pcsc/job.h"

/* Bytes of the longest request; no answer is longer. */
#define SCD_FRAME_MAX (SCD_FRAME_REQUEST_HEADER + SCD_RESPONSE_MAX)

typedef struct {
    ScdFrameOperation operation;
    guint32 argument;
    guint32 limit_ms;   /* SCD_FRAME_NO_LIMIT for none */
    const guint8 *data; /* points into the packet */
    gsize length;
} ScdFrameRequest;

/* Returns whether the packet is a request in the format of another version of the service. */
gboolean scd_frame_has_other_version(const guint8 *packet, gsize length);

/* Returns FALSE if the packet is not a request: the peer does not speak this protocol. */
gboolean scd_frame_read_request(const guint8 *packet, gsize length, ScdFrameRequest *request);

/* Writes the SCD_FRAME_ANSWER_HEADER bytes before an answer. value: 0 if the answer has none. */
void scd_frame_write_answer(guint8 *header, guint32 code, guint32 value);

/* The maximum number of requests that one system call receives. */
#define SCD_CHANNEL_BATCH 4

#define SCD_CHANNEL_BUFFER (SCD_CHANNEL_BATCH * SCD_FRAME_MAX)

/*
 * The maximum number of bytes in requests and unread answers of a channel (about 328,000): a batch
 * of requests, and one answer. The session's user is charged for them when the channel is opened.
 * The 128 sessions that a user may have fit into the user's memory with a channel each.
 */
#define SCD_CHANNEL_MEMORY_MAX ((SCD_CHANNEL_BATCH + 1) * SCD_FRAME_MAX)

/* The same with the channel itself and the jobs of these requests. */
#define SCD_CHANNEL_COST (SCD_CHANNEL_MEMORY_MAX + SCD_FRAME_REQUESTS_MAX * SCD_JOB_COST)

typedef struct ScdChannel ScdChannel;

/*
 * The limit for answers that the kernel holds for a client that does not read them (SO_SNDBUF), and
 * the maximum number of their bytes. The kernel doubles the limit, and lets one answer exceed it.
 */
#define SCD_CHANNEL_SOCKET_BUFFER (SCD_FRAME_MAX / 2 + 1024)
#define SCD_CHANNEL_SOCKET_COST (2 * SCD_CHANNEL_SOCKET_BUFFER + 3 * SCD_FRAME_MAX / 2)

/* All jobs of the channel must be DONE. The client receives the end of file. */
void scd_channel_free(ScdChannel *channel);

/* Returns whether the channel receives and sends nothing any more. */
gboolean scd_channel_has_ended(const ScdChannel *channel);

int scd_channel_fd(const ScdChannel *channel);

/* Returns the events to poll for; 0: only the end of the connection. */
short scd_channel_events(const ScdChannel *channel);

/* Returns whether there are answers for which the socket had no room. */
gboolean scd_channel_has_unsent(const ScdChannel *channel);

/* Returns whether there is room for the answer of another job. From any thread. */
gboolean scd_channel_has_room(const ScdChannel *channel);

typedef struct {
    guint8 *buffer;  /* of SCD_CHANNEL_BUFFER bytes */
    GPtrArray *jobs; /* NEW, in the order of the requests; each sends its answer itself */
    gboolean cancel; /* jobs that were submitted before are to be cancelled */
} ScdChannelInput;

/*
 * Sends answers that are left, and receives requests, whose time limits begin now. events: those
 * that poll() has returned.
 */
void scd_channel_serve_in_worker(ScdChannel *channel, short events, ScdChannelInput *input);

/*
 * The channels of a queue. All zero: none. If the client of the current channel has disconnected, a
 * next one may be opened; it waits until the jobs of the current one are DONE.
 */
typedef struct {
    ScdChannel *current;
    ScdChannel *next;
} ScdChannels;

/*
 * Takes over the descriptor, a SOCK_SEQPACKET socket that does not block, and the charge for
 * SCD_CHANNEL_COST, which is empty if the user is not charged. Returns FALSE if there is a channel
 * whose client has not disconnected: then the caller keeps both. finds_cause: see ScdJob.
 */
gboolean scd_channels_open(ScdChannels *channels, int fd, gboolean finds_cause,
                           ScdUserCharge *charge);

/*
 * Frees the current channel if it has ended, or if closed is TRUE, and has no jobs. The next one
 * takes its place.
 */
void scd_channels_drop_ended(ScdChannels *channels, gboolean closed);

void scd_channels_clear(ScdChannels *channels);
