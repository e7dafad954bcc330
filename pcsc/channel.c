/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "channel.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void
scd_channel_init(ScdChannel *channel)
{
    *channel = (ScdChannel){.fd = -1};
    pthread_mutex_init(&channel->lock, NULL);
}

bool
scd_channel_open(ScdChannel *channel, int fd)
{
    channel->spare = malloc(MAX_BUFFER_SIZE_EXTENDED);
    if (!channel->spare) {
        close(fd);
        return false;
    }
    pthread_mutex_lock(&channel->lock);
    channel->fd = fd;
    pthread_mutex_unlock(&channel->lock);
    return true;
}

void
scd_channel_close(ScdChannel *channel)
{
    pthread_mutex_lock(&channel->lock);
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
    pthread_mutex_unlock(&channel->lock);
    free(channel->spare);
    channel->spare = NULL;
}

void
scd_channel_clear(ScdChannel *channel)
{
    scd_channel_close(channel);
    pthread_mutex_destroy(&channel->lock);
}

static void
hang_up_locked(ScdChannel *channel)
{
    if (channel->fd >= 0)
        shutdown(channel->fd, SHUT_RDWR);
}

void
scd_channel_interrupt(ScdChannel *channel)
{
    pthread_mutex_lock(&channel->lock);
    channel->interrupted = true;
    if (channel->waits)
        hang_up_locked(channel);
    pthread_mutex_unlock(&channel->lock);
}

bool
scd_channel_is_interrupted(ScdChannel *channel)
{
    pthread_mutex_lock(&channel->lock);
    bool interrupted = channel->interrupted;
    pthread_mutex_unlock(&channel->lock);
    return interrupted;
}

static void
set_waits(ScdChannel *channel, bool waits)
{
    pthread_mutex_lock(&channel->lock);
    channel->waits = waits;
    if (waits && channel->interrupted)
        hang_up_locked(channel);
    pthread_mutex_unlock(&channel->lock);
}

static bool
send_request(const ScdChannel *channel, const ScdRequest *request)
{
    const struct {
        uint8_t operation;
        uint8_t zero[3];
        uint32_t argument;
    } header = {.operation = (uint8_t)request->operation, .argument = htole32(request->argument)};
    _Static_assert(sizeof header == SCD_FRAME_HEADER, "a request's header");
    struct iovec parts[2] = {{(void *)&header, sizeof header},
                             {(void *)request->data, request->length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = request->length > 0 ? 2 : 1};
    ssize_t sent;

    do
        sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* The data of the answer at the place; false when there was none that one could understand. */
static bool
receive_at(const ScdChannel *channel, void *place, ScdAnswer *answer)
{
    struct {
        uint32_t code;
        uint32_t protocol;
    } header;
    _Static_assert(sizeof header == SCD_FRAME_HEADER, "an answer's header");
    struct iovec parts[2] = {{&header, sizeof header}, {place, MAX_BUFFER_SIZE_EXTENDED}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t received;

    do
        received = recvmsg(channel->fd, &message, MSG_TRUNC);
    while (received < 0 && errno == EINTR);
    if (received < (ssize_t)sizeof header || (message.msg_flags & MSG_TRUNC))
        return false;
    answer->code = scd_long(le32toh(header.code));
    answer->protocol = le32toh(header.protocol);
    answer->length = (size_t)received - sizeof header;
    return answer->code == SCARD_S_SUCCESS || answer->length == 0;
}

/* pcsc-lite leaves a buffer alone that is too short. */
static bool
receive_answer(const ScdChannel *channel, ScdAnswer *answer)
{
    if (answer->size >= MAX_BUFFER_SIZE_EXTENDED)
        return receive_at(channel, answer->buffer, answer);
    bool received = receive_at(channel, channel->spare, answer);
    if (received && answer->length > 0 && answer->length <= answer->size)
        memcpy(answer->buffer, channel->spare, answer->length);
    explicit_bzero(channel->spare, received ? answer->length : MAX_BUFFER_SIZE_EXTENDED);
    return received;
}

ScdAskResult
scd_channel_ask(ScdChannel *channel, const ScdRequest *request, ScdAnswer *answer)
{
    bool waits = request->operation == SCD_FRAME_BEGIN;
    ScdAskResult result = SCD_NOT_SENT;

    if (channel->fd < 0)
        return SCD_NOT_SENT;
    if (waits)
        set_waits(channel, true);
    if (send_request(channel, request))
        result = receive_answer(channel, answer) ? SCD_ANSWERED : SCD_NO_ANSWER;
    if (waits)
        set_waits(channel, false);
    return result;
}
