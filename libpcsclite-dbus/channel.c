/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "channel.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    uint8_t operation;
    uint8_t version;
    uint8_t zero[2];
    uint32_t argument;
    uint32_t limit_ms;
} PldRequestHeader;

typedef struct {
    uint32_t code;
    uint32_t protocol;
} PldReplyHeader;

_Static_assert(sizeof(PldRequestHeader) == SCD_FRAME_REQUEST_HEADER, "a request's header");
_Static_assert(sizeof(PldReplyHeader) == SCD_FRAME_ANSWER_HEADER, "a reply's header");

#define ANSWER_MAX (SCD_FRAME_ANSWER_HEADER + MAX_BUFFER_SIZE_EXTENDED)

void
pld_channel_init(PldChannel *channel)
{
    *channel = (PldChannel){.fd = -1};
    pthread_mutex_init(&channel->lock, NULL);
}

bool
pld_channel_open(PldChannel *channel, int fd)
{
    channel->answer = malloc(ANSWER_MAX);
    if (!channel->answer) {
        close(fd);
        return false;
    }
    pthread_mutex_lock(&channel->lock);
    channel->fd = fd;
    channel->socket = pld_socket_inode(fd);
    pthread_mutex_unlock(&channel->lock);
    return true;
}

void
pld_channel_close(PldChannel *channel)
{
    pthread_mutex_lock(&channel->lock);
    if (channel->fd >= 0) {
        shutdown(channel->fd, SHUT_RDWR); /* a child may have the descriptor, too */
        close(channel->fd);
    }
    channel->fd = -1;
    pthread_mutex_unlock(&channel->lock);
    free(channel->answer);
    channel->answer = NULL;
}

void
pld_channel_close_copy(PldChannel *channel)
{
    if (channel->socket != 0 && pld_socket_inode(channel->fd) == channel->socket)
        close(channel->fd);
    channel->fd = -1;
}

void
pld_channel_clear(PldChannel *channel)
{
    pld_channel_close(channel);
    pthread_mutex_destroy(&channel->lock);
}

/* Does not block: there is one request in the socket at most, and one packet of this kind for it.
 */
static void
send_cancel_locked(PldChannel *channel)
{
    const PldRequestHeader header = {.operation = SCD_FRAME_CANCEL,
                                     .version = SCD_FRAME_VERSION,
                                     .limit_ms = htole32(SCD_FRAME_NO_LIMIT)};

    if (!channel->cancel_sent)
        send(channel->fd, &header, sizeof header, MSG_NOSIGNAL | MSG_DONTWAIT);
    channel->cancel_sent = true;
}

void
pld_channel_cancel(PldChannel *channel)
{
    pthread_mutex_lock(&channel->lock);
    if (channel->pending && channel->pending->cancels)
        send_cancel_locked(channel);
    pthread_mutex_unlock(&channel->lock);
}

/*
 * A wait for a transaction ends at once, even if the service is busy: it drops the request when it
 * sees that the channel is closed.
 */
void
pld_channel_interrupt(PldChannel *channel)
{
    pthread_mutex_lock(&channel->lock);
    channel->interrupted = true;
    if (channel->pending && channel->pending->operation == SCD_FRAME_BEGIN)
        shutdown(channel->fd, SHUT_RDWR);
    else if (channel->pending)
        send_cancel_locked(channel);
    pthread_mutex_unlock(&channel->lock);
}

void
pld_channel_resume(PldChannel *channel)
{
    pthread_mutex_lock(&channel->lock);
    channel->interrupted = false;
    pthread_mutex_unlock(&channel->lock);
}

bool
pld_channel_is_interrupted(PldChannel *channel)
{
    pthread_mutex_lock(&channel->lock);
    bool interrupted = channel->interrupted;
    pthread_mutex_unlock(&channel->lock);
    return interrupted;
}

static bool
send_request(const PldChannel *channel, const PldRequest *request)
{
    PldRequestHeader header = {.operation = (uint8_t)request->operation,
                               .version = SCD_FRAME_VERSION,
                               .argument = htole32(request->argument),
                               .limit_ms = htole32(request->no_wait ? 0 : SCD_FRAME_NO_LIMIT)};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)request->data, request->length}};
    const struct msghdr packet = {.msg_iov = parts, .msg_iovlen = request->length > 0 ? 2 : 1};
    ssize_t sent;

    do
        sent = sendmsg(channel->fd, &packet, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* Returns false if the service closed the channel or sent an invalid reply. */
static bool
receive_reply(const PldChannel *channel, PldReply *reply)
{
    PldReplyHeader header;
    ssize_t received;

    do
        received = recv(channel->fd, channel->answer, ANSWER_MAX, MSG_TRUNC);
    while (received < 0 && errno == EINTR);
    if (received < (ssize_t)sizeof header || received > (ssize_t)ANSWER_MAX) {
        explicit_bzero(channel->answer, ANSWER_MAX);
        return false;
    }
    memcpy(&header, channel->answer, sizeof header);
    reply->code = pld_long(le32toh(header.code));
    reply->protocol = le32toh(header.protocol);
    reply->length = (size_t)received - sizeof header;
    /* As in pcsc-lite, a buffer that is too small is left unchanged. */
    if (reply->length > 0 && reply->length <= reply->size)
        memcpy(reply->buffer, channel->answer + sizeof header, reply->length);
    explicit_bzero(channel->answer, (size_t)received);
    return reply->code == SCARD_S_SUCCESS || reply->length == 0;
}

static bool
is_ended_locked(const PldChannel *channel, const PldRequest *request)
{
    return (channel->interrupted && request->operation != SCD_FRAME_END) ||
           (request->cancels && *request->cancels != request->cancels_seen);
}

/* Returns PLD_REPLIED when the request was sent. From then on other threads may end it. */
static PldExchangeResult
begin_exchange(PldChannel *channel, const PldRequest *request)
{
    PldExchangeResult result = PLD_NOT_SENT;

    pthread_mutex_lock(&channel->lock);
    channel->cancel_sent = false;
    if (channel->fd >= 0 && is_ended_locked(channel, request))
        result = PLD_CANCELLED;
    else if (channel->fd >= 0 && send_request(channel, request))
        result = PLD_REPLIED;
    if (result == PLD_REPLIED && request->operation != SCD_FRAME_END)
        channel->pending = request;
    pthread_mutex_unlock(&channel->lock);
    return result;
}

PldExchangeResult
pld_channel_exchange(PldChannel *channel, const PldRequest *request, PldReply *reply)
{
    PldExchangeResult result = begin_exchange(channel, request);

    if (result != PLD_REPLIED)
        return result;
    if (!receive_reply(channel, reply))
        result = PLD_NO_REPLY;
    pthread_mutex_lock(&channel->lock);
    channel->pending = NULL;
    if (result == PLD_REPLIED && reply->code == SCARD_E_CANCELLED && channel->cancel_sent)
        result = PLD_CANCELLED;
    pthread_mutex_unlock(&channel->lock);
    return result;
}
