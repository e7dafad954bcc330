/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A socket by which a client reaches its handle without the bus: one packet is
 * one job, its answer one packet (base/frame.h). Belongs to the worker's thread.
 *
 * A client may have some requests under way; more are not read until there are
 * answers, and none while it leaves answers lying: it holds up nobody but
 * itself. Whoever does not keep to the protocol is hung up on.
 */

#include "base/frame.h"
#include "pcsc/job.h"

/* Requests that are received by one system call, as those of a client with several under way are.
 */
#define SCD_CHANNEL_BATCH 8

#define SCD_CHANNEL_BUFFER (SCD_CHANNEL_BATCH * SCD_FRAME_MAX)

typedef struct ScdChannel ScdChannel;

/* Takes over the descriptor, a SOCK_SEQPACKET socket that does not block. */
ScdChannel *scd_channel_new(int fd);

/* Its jobs must be done. The client sees the end of file. */
void scd_channel_free(ScdChannel *channel);

/* Whether the client has closed its end, or was hung up on: asks the socket, in any thread. */
gboolean scd_channel_is_left(const ScdChannel *channel);

/* Whether nothing comes from it any more. */
gboolean scd_channel_has_ended(const ScdChannel *channel);

/* Whether requests of it are not carried out yet. */
gboolean scd_channel_has_jobs(const ScdChannel *channel);

int scd_channel_fd(const ScdChannel *channel);

/* What to poll for; 0 when the channel has ended. */
short scd_channel_events(const ScdChannel *channel);

/* Whether there are answers that the client has left no room for. */
gboolean scd_channel_has_unsent(const ScdChannel *channel);

/*
 * After a poll: sends what is left, and receives requests that have come, into
 * the buffer, of SCD_CHANNEL_BUFFER bytes. Adds jobs to be submitted, which answer
 * by themselves.
 */
void scd_channel_serve_in_worker(ScdChannel *channel, short events, guint8 *buffer,
                                 GPtrArray *jobs);
