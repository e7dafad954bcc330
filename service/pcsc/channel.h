/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A socket by which a client reaches its session without the bus: a packet is a
 * job, its answer a packet (base/frame.h). Belongs to the worker's thread.
 *
 * A client may have SCD_FRAME_REQUESTS_MAX requests under way. More are not read
 * before there are answers, and none while it leaves answers unread; nor are its
 * jobs carried out when there are many of these. A client that violates the protocol
 * is disconnected. Jobs of a client that has left are not carried out.
 */

#include "base/frame.h"
#include "pcsc/job.h"

/* Requests that are received by one system call. */
#define SCD_CHANNEL_BATCH 4

#define SCD_CHANNEL_BUFFER (SCD_CHANNEL_BATCH * SCD_FRAME_MAX)

/*
 * Bytes of requests and unread answers that a channel holds at most (about 328,000): a batch of
 * requests, and one answer. The session's user is charged for them when the channel is opened.
 * The 128 sessions that a user may have fit into the user's memory with a channel each.
 */
#define SCD_CHANNEL_MEMORY_MAX ((SCD_CHANNEL_BATCH + 1) * SCD_FRAME_MAX)

/* The same with the channel itself and the jobs of these requests. */
#define SCD_CHANNEL_COST (SCD_CHANNEL_MEMORY_MAX + SCD_FRAME_REQUESTS_MAX * SCD_JOB_COST)

typedef struct ScdChannel ScdChannel;

/*
 * Bytes of answers that the kernel holds for a client that does not read them, at most; and the
 * limit for that (SO_SNDBUF), which the kernel doubles: one answer must fit, and one may exceed it.
 */
#define SCD_CHANNEL_SOCKET_BUFFER (SCD_FRAME_MAX / 2 + 1024)
#define SCD_CHANNEL_SOCKET_COST (2 * SCD_CHANNEL_SOCKET_BUFFER + 3 * SCD_FRAME_MAX / 2)

/*
 * Takes over the descriptor, a SOCK_SEQPACKET socket that does not block, and the charge for
 * SCD_CHANNEL_COST, which is empty if the user is not charged.
 */
ScdChannel *scd_channel_new(int fd, ScdUserCharge *charge);

/* Its jobs must be done. The client sees the end of file. */
void scd_channel_free(ScdChannel *channel);

/* Whether the client has closed its end, or was disconnected: queries the socket, in any thread. */
gboolean scd_channel_is_left(const ScdChannel *channel);

/* Whether nothing is received and sent any more. */
gboolean scd_channel_has_ended(const ScdChannel *channel);

/* Whether requests of it are not answered yet. */
gboolean scd_channel_has_jobs(const ScdChannel *channel);

int scd_channel_fd(const ScdChannel *channel);

/* The events to poll for; 0 for none but the end of the connection. */
short scd_channel_events(const ScdChannel *channel);

/* Whether there are answers that the socket had no room for. */
gboolean scd_channel_has_unsent(const ScdChannel *channel);

/* Whether a job may be carried out: there is room for its answer. Any thread. */
gboolean scd_channel_has_room(const ScdChannel *channel);

typedef struct {
    guint8 *buffer;  /* of SCD_CHANNEL_BUFFER bytes */
    GPtrArray *jobs; /* NEW ones, which answer by themselves, in the order of the requests */
    gboolean cancel; /* jobs that were submitted before are to be cancelled */
} ScdChannelInput;

/*
 * After a poll: sends what was left, and receives requests that have come, whose time limits begin
 * now.
 */
void scd_channel_serve_in_worker(ScdChannel *channel, short events, ScdChannelInput *input);

/*
 * The channels of a queue: the one in use, NULL for none, and one that waits until the jobs of that
 * one, whose client has left, are done. All zero to begin with.
 */
typedef struct {
    ScdChannel *current;
    ScdChannel *next;
} ScdChannels;

/*
 * Takes over the descriptor and the charge. Returns FALSE if there is a channel whose client has
 * not left: they stay the caller's.
 */
gboolean scd_channels_open(ScdChannels *channels, int fd, ScdUserCharge *charge);

/* Frees the channel in use if it is over; the other one takes its place. closed: it is to end. */
void scd_channels_drop_ended(ScdChannels *channels, gboolean closed);

void scd_channels_clear(ScdChannels *channels);
