/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/words.h"
#include "pcsc/code.h"

/* The shortest header that a request of any version has, in bytes. */
#define SHORTEST_HEADER 8

static guint32
read_number(const guint8 *bytes)
{
    guint32 number;

    memcpy(&number, bytes, sizeof number);
    return GUINT32_FROM_LE(number);
}

gboolean
scd_frame_has_other_version(const guint8 *packet, gsize length)
{
    return length >= SHORTEST_HEADER && packet[0] <= SCD_FRAME_CANCEL &&
           packet[1] != SCD_FRAME_VERSION && packet[2] == 0 && packet[3] == 0;
}

gboolean
scd_frame_read_request(const guint8 *packet, gsize length, ScdFrameRequest *request)
{
    if (length < SCD_FRAME_REQUEST_HEADER || packet[1] != SCD_FRAME_VERSION || packet[2] != 0 ||
        packet[3] != 0)
        return FALSE;
    request->operation = packet[0];
    request->argument = read_number(packet + 4);
    request->limit_ms = read_number(packet + 8);
    request->data = packet + SCD_FRAME_REQUEST_HEADER;
    request->length = length - SCD_FRAME_REQUEST_HEADER;

    switch (request->operation) {
    case SCD_FRAME_TRANSMIT: /* the driver refuses data that is not an APDU */
    case SCD_FRAME_CONTROL:
        return request->length <= SCD_RESPONSE_MAX;
    case SCD_FRAME_GET_ATTRIBUTE:
        return request->length == 0;
    case SCD_FRAME_BEGIN:
        return request->argument == 0 && request->length == 0;
    case SCD_FRAME_END:
        return request->argument <= SCD_DISPOSITION_EJECT && request->length == 0;
    case SCD_FRAME_CANCEL:
        return request->argument == 0 && request->limit_ms == SCD_FRAME_NO_LIMIT &&
               request->length == 0;
    }
    return FALSE;
}

void
scd_frame_write_answer(guint8 *header, guint32 code, guint32 value)
{
    const guint32 numbers[] = {GUINT32_TO_LE(code), GUINT32_TO_LE(value)};

    memcpy(header, numbers, SCD_FRAME_ANSWER_HEADER);
}

struct ScdChannel {
    int fd;
    guint in_flight; /* requests that are not answered, or whose answers are in "unsent" */
    gint held;       /* bytes of their data, and of these answers; atomic */
    GQueue unsent;   /* of GBytes, whole packets */
    gboolean ending; /* when all is answered and fetched that came before */
    gboolean ended;
    gboolean finds_cause; /* of failures, in the jobs */
    ScdUserCharge charge;
};

static ScdChannel *
new_channel(int fd, gboolean finds_cause, ScdUserCharge *charge)
{
    ScdChannel *channel = g_new0(ScdChannel, 1);
    channel->fd = fd;
    channel->finds_cause = finds_cause;
    channel->charge = scd_user_charge_steal(charge);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SCD_CHANNEL_SOCKET_BUFFER}, sizeof(int)) < 0)
        g_debug("Cannot limit the buffer of a channel: %s", g_strerror(errno));
    g_queue_init(&channel->unsent);
    return channel;
}

/* Returns whether the client has closed its end or was disconnected. */
static gboolean
is_left(const ScdChannel *channel)
{
    struct pollfd socket = {.fd = channel->fd};

    return poll(&socket, 1, 0) > 0 && (socket.revents & POLLHUP);
}

gboolean
scd_channel_has_ended(const ScdChannel *channel)
{
    return channel->ended;
}

/* Returns whether there are requests that have not been answered. */
static gboolean
has_jobs(const ScdChannel *channel)
{
    return channel->in_flight > channel->unsent.length;
}

gboolean
scd_channel_has_unsent(const ScdChannel *channel)
{
    return channel->unsent.length > 0;
}

gboolean
scd_channel_has_room(const ScdChannel *channel)
{
    return g_atomic_int_get(&channel->held) + SCD_FRAME_MAX <= SCD_CHANNEL_MEMORY_MAX;
}

int
scd_channel_fd(const ScdChannel *channel)
{
    return channel->fd;
}

static void
add_held(ScdChannel *channel, gint bytes)
{
    g_atomic_int_add(&channel->held, bytes);
}

/* How many requests may be received now, as long as any may be, and leave room for an answer. */
static guint
count_receivable(const ScdChannel *channel)
{
    guint packets = (SCD_CHANNEL_MEMORY_MAX - (guint)channel->held) / SCD_FRAME_MAX;
    guint by_memory = packets > 0 ? packets - 1 : 0;

    return MIN(MIN(SCD_CHANNEL_BATCH, SCD_FRAME_REQUESTS_MAX - channel->in_flight), by_memory);
}

short
scd_channel_events(const ScdChannel *channel)
{
    if (channel->unsent.length > 0)
        return POLLOUT;
    return !channel->ending && count_receivable(channel) > 0 ? POLLIN : 0;
}

/*
 * The client receives the end after the packets before it. Requests that were not read
 * have to be discarded before the socket is closed; else it would receive an error.
 */
static void
hang_up(ScdChannel *channel)
{
    char nothing;

    channel->ended = TRUE;
    shutdown(channel->fd, SHUT_RDWR);
    while (recv(channel->fd, &nothing, sizeof nothing, MSG_DONTWAIT) > 0)
        ;
}

/* Nothing more is read. The requests before are answered first. */
static void
end_after_answers(ScdChannel *channel)
{
    channel->ending = TRUE;
    if (channel->in_flight == 0)
        hang_up(channel);
}

static void
note_answered(ScdChannel *channel)
{
    channel->in_flight--; /* not before its data and its answer have gone */
    if (channel->ending)
        end_after_answers(channel);
}

void
scd_channel_free(ScdChannel *channel)
{
    g_assert(!has_jobs(channel));
    g_queue_clear_full(&channel->unsent, (GDestroyNotify)g_bytes_unref);
    if (!channel->ended)
        hang_up(channel);
    close(channel->fd);
    scd_user_charge_give_back(&channel->charge);
    g_free(channel);
}

/* Returns FALSE if the socket has no room until the client has read an answer. */
static gboolean
try_to_send(ScdChannel *channel, const struct iovec *parts, gsize n_parts)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = n_parts};

    if (channel->ended)
        return TRUE;
    if (sendmsg(channel->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return TRUE;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return FALSE;
    hang_up(channel);
    return TRUE;
}

static void
send_unsent(ScdChannel *channel)
{
    for (GBytes *packet; (packet = g_queue_peek_head(&channel->unsent));) {
        gsize length;
        gconstpointer data = g_bytes_get_data(packet, &length);
        struct iovec whole = {(gpointer)data, length};
        if (!try_to_send(channel, &whole, 1))
            return;
        add_held(channel, -(gint)length);
        g_bytes_unref(g_queue_pop_head(&channel->unsent));
        note_answered(channel);
    }
}

static void
send_later(ScdChannel *channel, const struct iovec *parts)
{
    gsize length = parts[0].iov_len + parts[1].iov_len;
    guint8 *packet = g_malloc(length);

    memcpy(packet, parts[0].iov_base, parts[0].iov_len);
    if (parts[1].iov_len > 0)
        memcpy(packet + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
    g_queue_push_tail(&channel->unsent, scd_secret_new(packet, length));
    add_held(channel, (gint)length);
    explicit_bzero(packet, length);
    g_free(packet);
}

/* After these the handle will not do anything any more without Reconnect, or at all. */
static gboolean
is_last(guint32 code)
{
    return code == scd_code_of_error(SCD_W_REMOVED_CARD) || scd_code_is_connection_lost(code);
}

static void
answer_in_worker(ScdJob *job, guint32 code, gpointer data)
{
    ScdChannel *channel = data;
    guint8 header[SCD_FRAME_ANSWER_HEADER];
    struct iovec parts[2] = {{header, sizeof header}, {NULL, 0}};

    guint32 value = job->kind == SCD_JOB_BEGIN ? (guint32)job->card_used : job->protocol;

    scd_frame_write_answer(header, code, code == 0 ? value : 0);
    if (code == 0 && job->outputs.length > 0)
        parts[1].iov_base =
            (gpointer)g_bytes_get_data(scd_bytes_list_get(&job->outputs, 0), &parts[1].iov_len);

    add_held(channel, -(gint)scd_job_n_bytes(job));
    if (channel->unsent.length > 0 || !try_to_send(channel, parts, G_N_ELEMENTS(parts)))
        send_later(channel, parts);
    else
        note_answered(channel);
    if (!job->refused && is_last(code))
        hang_up(channel);
}

static void
set_limit(ScdJob *job, guint32 limit_ms)
{
    if (limit_ms == 0)
        job->wait_until = SCD_JOB_NO_WAIT;
    else if (limit_ms != SCD_FRAME_NO_LIMIT)
        job->wait_until = g_get_monotonic_time() + (gint64)limit_ms * G_TIME_SPAN_MILLISECOND;
}

static ScdJob *
new_job(ScdChannel *channel, const ScdFrameRequest *request)
{
    static const ScdJobKind kinds[] = {
        [SCD_FRAME_TRANSMIT] = SCD_JOB_TRANSMIT,
        [SCD_FRAME_CONTROL] = SCD_JOB_CONTROL,
        [SCD_FRAME_GET_ATTRIBUTE] = SCD_JOB_GET_ATTRIBUTE,
        [SCD_FRAME_BEGIN] = SCD_JOB_BEGIN,
        [SCD_FRAME_END] = SCD_JOB_END,
    };
    ScdJob *job = scd_job_new(kinds[request->operation], answer_in_worker, channel, NULL);

    job->answered_in_worker = TRUE;
    job->finds_cause = channel->finds_cause;
    set_limit(job, request->limit_ms);
    job->only_features = job->kind == SCD_JOB_CONTROL;
    job->number = request->argument;
    job->action = request->argument;
    scd_bytes_list_add(&job->inputs, scd_secret_new(request->data, request->length));
    return job;
}

/* Returns whether the packet has nothing beside it, and is not the end of file. */
static gboolean
is_good(const struct mmsghdr *packet)
{
    /* Too long, or with descriptors, which the kernel has closed as there is no room for them. */
    return packet->msg_len > 0 && !(packet->msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
}

/* As many as have come and may be under way, into the buffers of the packets; or -1. */
static int
receive_packets(ScdChannel *channel, struct mmsghdr *packets)
{
    int count = recvmmsg(channel->fd, packets, count_receivable(channel), MSG_DONTWAIT, NULL);

    if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        hang_up(channel);
    return count;
}

/* The requests that came before are answered with SCARD_E_CANCELLED, unless the card has them. */
static void
cancel_requests(ScdChannelInput *input)
{
    input->cancel = TRUE;
    for (guint i = 0; i < input->jobs->len; i++)
        ((ScdJob *)input->jobs->pdata[i])->refused = scd_code_of_error(SCD_E_CANCELLED);
}

/* Answers a request of another version, which is not executed, and ends the channel. */
static void
refuse_version(ScdChannel *channel, ScdChannelInput *input)
{
    const ScdFrameRequest nothing = {.operation = SCD_FRAME_GET_ATTRIBUTE,
                                     .limit_ms = SCD_FRAME_NO_LIMIT};
    ScdJob *job = new_job(channel, &nothing);

    job->refused = scd_code_of_error(SCD_E_SERVICE_STOPPED);
    channel->in_flight++;
    g_ptr_array_add(input->jobs, job);
    channel->ending = TRUE;
}

static void
take_request(ScdChannel *channel, const struct mmsghdr *packet, ScdChannelInput *input)
{
    const guint8 *bytes = packet->msg_hdr.msg_iov->iov_base;
    ScdFrameRequest request;

    if (is_good(packet) && scd_frame_has_other_version(bytes, packet->msg_len)) {
        refuse_version(channel, input);
        return;
    }
    if (!is_good(packet) || !scd_frame_read_request(bytes, packet->msg_len, &request)) {
        end_after_answers(channel);
        return;
    }
    if (request.operation == SCD_FRAME_CANCEL) {
        cancel_requests(input);
        return;
    }
    channel->in_flight++;
    add_held(channel, (gint)request.length);
    g_ptr_array_add(input->jobs, new_job(channel, &request));
}

static void
receive_jobs(ScdChannel *channel, ScdChannelInput *input)
{
    struct iovec parts[SCD_CHANNEL_BATCH];
    struct mmsghdr packets[SCD_CHANNEL_BATCH];

    for (guint i = 0; i < SCD_CHANNEL_BATCH; i++) {
        parts[i] = (struct iovec){input->buffer + i * SCD_FRAME_MAX, SCD_FRAME_MAX};
        packets[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
    int count = receive_packets(channel, packets);
    for (int i = 0; i < count; i++) {
        if (!channel->ending)
            take_request(channel, &packets[i], input);
        explicit_bzero(parts[i].iov_base, packets[i].msg_len);
    }
}

void
scd_channel_serve_in_worker(ScdChannel *channel, short events, ScdChannelInput *input)
{
    if (channel->ended || events == 0)
        return;
    if (events & POLLOUT)
        send_unsent(channel);
    if (events & POLLIN)
        receive_jobs(channel, input);
    else if (events & (POLLHUP | POLLERR | POLLNVAL))
        hang_up(channel);
}

gboolean
scd_channels_open(ScdChannels *channels, int fd, gboolean finds_cause, ScdUserCharge *charge)
{
    const ScdChannel *last = channels->next ? channels->next : channels->current;

    if (last && !is_left(last))
        return FALSE;
    g_clear_pointer(&channels->next, scd_channel_free);
    *(channels->current ? &channels->next : &channels->current) =
        new_channel(fd, finds_cause, charge);
    return TRUE;
}

void
scd_channels_drop_ended(ScdChannels *channels, gboolean closed)
{
    while (channels->current && !has_jobs(channels->current) &&
           (closed || scd_channel_has_ended(channels->current))) {
        scd_channel_free(channels->current);
        channels->current = g_steal_pointer(&channels->next);
    }
}

void
scd_channels_clear(ScdChannels *channels)
{
    g_clear_pointer(&channels->current, scd_channel_free);
    g_clear_pointer(&channels->next, scd_channel_free);
}
