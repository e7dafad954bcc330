/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "channel-queue.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "secret.h"

#define PCSC_CANCELLED 0x80100002u
#define PCSC_TIMEOUT 0x8010000Au

/* The service reads a cancellation only if one more request may be in flight. */
#define CANCELLABLE_MAX (SCD_FRAME_REQUESTS_MAX - 1)

/* Packets of one system call. */
#define SEND_BATCH 32

/* GLib makes a system call for each broadcast. */
void
smartcardd_channel_queue_wake_locked(SmartcarddChannel *channel)
{
    if (channel->n_waiters > 0)
        g_cond_broadcast(&channel->changed);
}

void
smartcardd_channel_queue_remove_watch_locked(SmartcarddChannel *channel,
                                             SmartcarddChannelWatch *watch)
{
    if (watch->pending > 0)
        return;
    channel->watches = g_list_remove(channel->watches, watch);
    g_source_destroy(&watch->source);
    g_source_unref(&watch->source);
}

void
smartcardd_channel_queue_end_locked(SmartcarddChannel *channel, SmartcarddRequest *request,
                                    SmartcarddRequestState state, SmartcarddEndedRequests *ended)
{
    request->state = state;
    if (request->cancellable)
        channel->n_cancellable--;
    if (request->watch)
        ((SmartcarddChannelWatch *)request->watch)->pending--;
    else
        smartcardd_channel_queue_wake_locked(channel);
    g_queue_push_tail_link(ended, &request->link);
}

void
smartcardd_channel_queue_call_functions(SmartcarddEndedRequests *ended)
{
    GList *link;

    while ((link = g_queue_pop_head_link(ended))) {
        SmartcarddRequest *request = link->data;
        if (request->cancel_handler)
            g_cancellable_disconnect(request->cancellable, request->cancel_handler);
        request->cancel_handler = 0;
        if (request->done)
            request->done(request, request->data);
        smartcardd_request_unref(request);
    }
}

void
smartcardd_channel_queue_close_locked(SmartcarddChannel *channel, SmartcarddEndedRequests *ended)
{
    GQueue *const queues[] = {&channel->in_flight, &channel->again, &channel->waiting};
    GList *link;

    if (!channel->closed)
        shutdown(channel->fd, SHUT_RDWR);
    channel->closed = TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(queues); i++) {
        while ((link = g_queue_pop_head_link(queues[i]))) {
            SmartcarddRequest *request = link->data;
            request->in_flight = FALSE;
            request->code = channel->last_code;
            if (request->state == SMARTCARDD_REQUEST_PENDING)
                smartcardd_channel_queue_end_locked(channel, request, SMARTCARDD_REQUEST_LOST,
                                                    ended);
            else
                smartcardd_request_unref(request);
        }
    }
    while (channel->watches) {
        SmartcarddChannelWatch *watch = channel->watches->data;
        watch->pending = 0;
        smartcardd_channel_queue_remove_watch_locked(channel, watch);
    }
    smartcardd_channel_queue_wake_locked(channel);
}

gint64
smartcardd_channel_queue_grace_of_limit(const SmartcarddRequest *request)
{
    return request->in_transaction ? 0 : SMARTCARDD_GRACE_US;
}

/* Returns the time limit for the service. */
static guint32
get_limit_ms(const SmartcarddRequest *request)
{
    if (request->timeout_ms < 0)
        return 20000;
    if (request->timeout_ms == G_MAXINT)
        return SCD_FRAME_NO_LIMIT;
    if (request->deadline == 0)
        return 0;
    gint64 left = request->deadline - smartcardd_channel_queue_grace_of_limit(request) -
                  g_get_monotonic_time();
    return left > 0 ? (guint32)(left / G_TIME_SPAN_MILLISECOND) : 0;
}

typedef struct {
    guint8 header[SCD_FRAME_REQUEST_HEADER];
    struct iovec parts[1 + SMARTCARDD_PARTS_MAX];
} Packet;

static void
write_packet(Packet *packet, const SmartcarddRequest *request, struct msghdr *message)
{
    guint32 numbers[2] = {GUINT32_TO_LE(request->argument), GUINT32_TO_LE(get_limit_ms(request))};

    memset(packet->header, 0, 4);
    packet->header[0] = (guint8)request->operation;
    packet->header[1] = SCD_FRAME_VERSION;
    memcpy(packet->header + 4, numbers, sizeof numbers);
    packet->parts[0] = (struct iovec){packet->header, sizeof packet->header};
    for (guint i = 0; i < request->n_parts; i++)
        packet->parts[i + 1] =
            (struct iovec){(gpointer)request->parts[i].data, request->parts[i].length};
    *message = (struct msghdr){.msg_iov = packet->parts, .msg_iovlen = 1 + request->n_parts};
}

/* Returns how many of the waiting requests may be sent now. */
static guint
count_sendable_locked(const SmartcarddChannel *channel)
{
    guint limit = channel->n_cancellable > 0 ? CANCELLABLE_MAX : SCD_FRAME_REQUESTS_MAX;

    return channel->in_flight.length < limit ? limit - channel->in_flight.length : 0;
}

/* Sends some of the waiting requests; returns the number, 0 if there is no room, or -1. */
static int
send_batch_locked(SmartcarddChannel *channel)
{
    Packet packets[SEND_BATCH];
    struct mmsghdr messages[SEND_BATCH];
    guint count = 0, room = count_sendable_locked(channel);
    int sent;

    for (GList *link = channel->waiting.head; link && count < MIN(SEND_BATCH, room);
         link = link->next, count++)
        write_packet(&packets[count], link->data, &messages[count].msg_hdr);
    if (count == 1)
        sent = sendmsg(channel->fd, &messages[0].msg_hdr, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 1;
    else
        sent = sendmmsg(channel->fd, messages, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    for (int i = 0; i < sent; i++) {
        GList *link = g_queue_pop_head_link(&channel->waiting);
        SmartcarddRequest *request = link->data;
        request->in_flight = request->sent = TRUE;
        g_queue_push_tail_link(&channel->in_flight, link);
    }
    return sent;
}

void
smartcardd_channel_queue_send_locked(SmartcarddChannel *channel, SmartcarddEndedRequests *ended)
{
    int sent = 1;

    while (sent > 0 && !channel->draining && channel->waiting.length > 0 &&
           count_sendable_locked(channel) > 0)
        sent = send_batch_locked(channel);
    channel->blocked = sent == 0;
    if (sent < 0)
        smartcardd_channel_queue_close_locked(channel, ended);
}

/* If the socket is full, the cancellation is sent when the next answer has come. */
static void
send_cancellation_locked(SmartcarddChannel *channel)
{
    static const guint8 packet[SCD_FRAME_REQUEST_HEADER] = {
        SCD_FRAME_CANCEL, SCD_FRAME_VERSION, [8] = 0xFF, 0xFF, 0xFF, 0xFF};

    if (channel->draining)
        return;
    if (send(channel->fd, packet, sizeof packet, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        channel->unsent_cancellation = TRUE;
    else
        channel->draining = TRUE;
}

void
smartcardd_channel_queue_set_alarm_locked(SmartcarddChannel *channel, gint64 time)
{
    if (channel->alarm != 0 && channel->alarm <= time)
        return;
    channel->alarm = time;
    for (GList *link = channel->watches; link; link = link->next)
        g_source_set_ready_time(link->data, time);
}

/*
 * Ends a request of the queue that is not in flight; for one that is, asks the service to end it,
 * and leaves it alone after a while: then its answer will be dropped.
 */
static void
take_back_locked(SmartcarddChannel *channel, GQueue *queue, SmartcarddRequest *request, gint64 now,
                 SmartcarddEndedRequests *ended)
{
    gboolean overdue = request->deadline != 0 && now >= request->deadline;
    SmartcarddRequestState state =
        request->is_cancelled ? SMARTCARDD_REQUEST_CANCELLED : SMARTCARDD_REQUEST_TIMED_OUT;

    if (!request->in_flight) {
        g_queue_unlink(queue, &request->link);
        request->sent = FALSE;
        smartcardd_channel_queue_end_locked(channel, request, state, ended);
    } else if (overdue || (request->give_up_at != 0 && now >= request->give_up_at)) {
        SmartcarddRequest *place = smartcardd_request_new(request->operation, 0, 0);
        place->state = state;
        place->in_flight = TRUE;
        g_queue_insert_before_link(&channel->in_flight, &request->link, &place->link);
        g_queue_unlink(&channel->in_flight, &request->link);
        request->in_flight = FALSE;
        smartcardd_channel_queue_end_locked(channel, request, state, ended);
    } else {
        if (request->give_up_at == 0)
            request->give_up_at = now + SMARTCARDD_GRACE_US;
        send_cancellation_locked(channel);
        smartcardd_channel_queue_set_alarm_locked(channel, request->give_up_at);
    }
}

void
smartcardd_channel_queue_check_locked(SmartcarddChannel *channel, SmartcarddEndedRequests *ended)
{
    GQueue *const queues[] = {&channel->waiting, &channel->again, &channel->in_flight};
    gint64 now = g_get_monotonic_time();

    if (!channel->attention && (channel->alarm == 0 || now < channel->alarm))
        return;
    channel->attention = FALSE;
    channel->alarm = 0;
    for (GList *link = channel->watches; link; link = link->next)
        g_source_set_ready_time(link->data, -1);
    for (gsize i = 0; i < G_N_ELEMENTS(queues); i++) {
        for (GList *link = queues[i]->head, *next; link; link = next) {
            SmartcarddRequest *request = link->data;
            next = link->next;
            if (request->state != SMARTCARDD_REQUEST_PENDING)
                continue;
            if (request->is_cancelled || (request->deadline != 0 && now >= request->deadline))
                take_back_locked(channel, queues[i], request, now, ended);
            else if (request->deadline != 0)
                smartcardd_channel_queue_set_alarm_locked(channel, request->deadline);
        }
    }
}

/* A transaction whose caller has gone ends at once. */
static void
end_transaction_locked(SmartcarddChannel *channel)
{
    SmartcarddRequest *end = smartcardd_request_new(SCD_FRAME_END, 0, G_MAXINT);

    g_queue_push_head_link(&channel->waiting, &end->link);
}

/*
 * The service says once that others have used the card. If the caller of that transaction has gone,
 * the next one is told.
 */
static void
collect_use_locked(SmartcarddChannel *channel, SmartcarddRequest *begin)
{
    gboolean is_given_up = begin->state != SMARTCARDD_REQUEST_PENDING;

    begin->value |= channel->card_used;
    channel->card_used = is_given_up ? begin->value : 0;
}

static void
set_answer(SmartcarddRequest *request, const guint8 *packet, gsize length)
{
    request->response =
        smartcardd_secret_new(packet + SCD_FRAME_ANSWER_HEADER, length - SCD_FRAME_ANSWER_HEADER);
}

/* Takes the answer to the first request in flight. Returns FALSE if it is not valid. */
static gboolean
take_answer_locked(SmartcarddChannel *channel, const guint8 *packet, gsize length,
                   SmartcarddEndedRequests *ended)
{
    GList *link = channel->in_flight.head;
    guint32 code, value;

    if (!link || length < SCD_FRAME_ANSWER_HEADER || length > SMARTCARDD_ANSWER_MAX)
        return FALSE;
    memcpy(&code, packet, sizeof code);
    memcpy(&value, packet + sizeof code, sizeof value);
    code = GUINT32_FROM_LE(code);
    if (code != 0 && length > SCD_FRAME_ANSWER_HEADER)
        return FALSE;

    SmartcarddRequest *request = link->data;
    g_queue_unlink(&channel->in_flight, link);
    request->in_flight = FALSE;
    request->code = channel->last_code = code;
    request->value = GUINT32_FROM_LE(value);
    if (request->operation == SCD_FRAME_BEGIN && code == 0)
        collect_use_locked(channel, request);
    if (request->state != SMARTCARDD_REQUEST_PENDING) {
        if (request->operation == SCD_FRAME_BEGIN && code == 0)
            end_transaction_locked(channel);
        smartcardd_request_unref(request);
    } else if (code == PCSC_CANCELLED && channel->draining) {
        request->sent = FALSE;
        if (request->is_cancelled)
            smartcardd_channel_queue_end_locked(channel, request, SMARTCARDD_REQUEST_CANCELLED,
                                                ended);
        else
            g_queue_push_tail_link(&channel->again, link);
    } else {
        if (code == 0)
            set_answer(request, packet, length);
        request->sent = code != PCSC_CANCELLED && code != PCSC_TIMEOUT;
        smartcardd_channel_queue_end_locked(channel, request, SMARTCARDD_REQUEST_ANSWERED, ended);
    }
    return TRUE;
}

/* When all that was sent before a cancellation is answered, goes on. */
static void
end_draining_locked(SmartcarddChannel *channel)
{
    GList *link;

    if (channel->in_flight.length > 0)
        return;
    channel->draining = FALSE;
    while ((link = g_queue_pop_tail_link(&channel->again)))
        g_queue_push_head_link(&channel->waiting, link);
}

/* Receives at most count packets; returns their number, 0 if there is none, or -1. */
static int
receive_packets(SmartcarddChannel *channel, guint count, int flags, gsize *lengths)
{
    struct iovec parts[SMARTCARDD_RECEIVE_BATCH];
    struct mmsghdr packets[SMARTCARDD_RECEIVE_BATCH];

    if (count == 1) {
        ssize_t length =
            recv(channel->fd, channel->buffer, SMARTCARDD_ANSWER_MAX, flags | MSG_TRUNC);
        lengths[0] = length > 0 ? (gsize)length : 0;
        return length > 0 ? 1 : length < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    }
    for (guint i = 0; i < count; i++) {
        parts[i] = (struct iovec){channel->buffer + (gsize)i * SMARTCARDD_ANSWER_MAX,
                                  SMARTCARDD_ANSWER_MAX};
        packets[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
    int received = recvmmsg(channel->fd, packets, count, flags, NULL);
    for (int i = 0; i < received; i++)
        lengths[i] = packets[i].msg_hdr.msg_flags & MSG_TRUNC ? 0 : packets[i].msg_len;
    return received >= 0 ? received : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static void
handle_packets_locked(SmartcarddChannel *channel, int received, const gsize *lengths,
                      SmartcarddEndedRequests *ended)
{
    gboolean valid = received >= 0;

    for (int i = 0; i < received; i++) {
        guint8 *packet = channel->buffer + (gsize)i * SMARTCARDD_ANSWER_MAX;
        valid = valid && take_answer_locked(channel, packet, lengths[i], ended);
        explicit_bzero(packet, MIN(lengths[i], SMARTCARDD_ANSWER_MAX));
    }
    if (!valid) {
        smartcardd_channel_queue_close_locked(channel, ended);
        return;
    }
    channel->attention |= channel->unsent_cancellation;
    channel->unsent_cancellation = FALSE;
    end_draining_locked(channel);
    smartcardd_channel_queue_check_locked(channel, ended);
    smartcardd_channel_queue_send_locked(channel, ended);
}

void
smartcardd_channel_queue_receive_locked(SmartcarddChannel *channel, int flags,
                                        SmartcarddEndedRequests *ended)
{
    gsize lengths[SMARTCARDD_RECEIVE_BATCH];
    guint count = CLAMP(channel->in_flight.length, 1, SMARTCARDD_RECEIVE_BATCH);

    channel->reading = TRUE;
    g_mutex_unlock(&channel->lock);
    int received = receive_packets(channel, count, flags, lengths);
    g_mutex_lock(&channel->lock);
    channel->reading = FALSE;
    handle_packets_locked(channel, received, lengths, ended);
    smartcardd_channel_queue_wake_locked(channel);
}
