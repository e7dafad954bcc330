/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/bus-packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/dbus-message.h"
#include "base/limit.h"

#define DESCRIPTORS_MAX 4
#define ERROR_TEXT_MAX 1024

ScdBusPacket *
scd_bus_packet_new(GByteArray *bytes)
{
    ScdBusPacket *packet = g_new0(ScdBusPacket, 1);

    packet->bytes = bytes;
    return packet;
}

ScdBusPacket *
scd_bus_packet_new_error(const ScdDbusHeader *header, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, strnlen(text, ERROR_TEXT_MAX));
    ScdBusPacket *packet = scd_bus_packet_new(g_byte_array_sized_new(256));

    scd_dbus_append_error(packet->bytes, header, valid);
    packet->destination = g_strdup(header->destination);
    packet->reply_serial = header->reply_serial;
    return packet;
}

void
scd_bus_packet_free(ScdBusPacket *packet)
{
    g_clear_object(&packet->descriptors);
    g_clear_pointer(&packet->body, g_bytes_unref);
    explicit_bzero(packet->bytes->data, packet->bytes->len);
    g_byte_array_unref(packet->bytes);
    g_free(packet->destination);
    g_free(packet);
}

static gboolean
is_plain(const ScdBusPacket *packet)
{
    return packet->sent == 0 && !packet->body && !packet->descriptors && !packet->destination;
}

gboolean
scd_bus_packet_append(ScdBusPacket *packet, ScdBusPacket *next)
{
    if (!is_plain(packet) || next->sent > 0 || next->descriptors)
        return FALSE;
    packet->before_reply = packet->bytes->len;
    g_byte_array_append(packet->bytes, next->bytes->data, next->bytes->len);
    packet->body = g_steal_pointer(&next->body);
    packet->destination = g_steal_pointer(&next->destination);
    packet->reply_serial = next->reply_serial;
    packet->succeeded = next->succeeded;
    return TRUE;
}

gboolean
scd_bus_packet_drop_reply(ScdBusPacket *packet)
{
    gsize length = packet->bytes->len - packet->before_reply;

    explicit_bzero(packet->bytes->data + packet->before_reply, length);
    g_byte_array_set_size(packet->bytes, packet->before_reply);
    g_clear_pointer(&packet->body, g_bytes_unref);
    return packet->before_reply > 0;
}

/* Attaches the packet's descriptors to the message. buffer: room for the control data. */
static void
attach_descriptors(struct msghdr *message, const ScdBusPacket *packet, gpointer buffer)
{
    int count;
    const int *descriptors = g_unix_fd_list_peek_fds(packet->descriptors, &count);

    g_assert(count <= DESCRIPTORS_MAX);
    message->msg_control = buffer;
    message->msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    g_assert(control != NULL);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(control), descriptors, count * sizeof(int));
}

/* Sets the parts that are not sent yet. Returns their number. */
static gsize
get_rest(const ScdBusPacket *packet, struct iovec parts[2])
{
    gsize head = packet->bytes->len, body_length = 0, n_parts = 0;
    const guint8 *body = packet->body ? g_bytes_get_data(packet->body, &body_length) : NULL;

    if (packet->sent < head)
        parts[n_parts++] = (struct iovec){packet->bytes->data + packet->sent, head - packet->sent};
    gsize at = MAX(packet->sent, head) - head;
    if (at < body_length)
        parts[n_parts++] = (struct iovec){(void *)(body + at), body_length - at};
    return n_parts;
}

gboolean
scd_bus_packet_send(ScdBusPacket *packet, GSocket *socket)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control = {0};
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts};

    while ((message.msg_iovlen = get_rest(packet, parts)) > 0) {
        gboolean attach = packet->sent == 0 && packet->descriptors;
        message.msg_control = NULL;
        message.msg_controllen = 0;
        if (attach)
            attach_descriptors(&message, packet, control.bytes);
        gssize sent = sendmsg(g_socket_get_fd(socket), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return errno != EAGAIN && errno != EWOULDBLOCK;
        packet->sent += MAX(sent, 0);
    }
    return TRUE;
}

/* A program that calls too often gets as many errors as a user may make calls; several at once. */
static const ScdTokenRate rate = {1000, 128};

#define AT_ONCE_MAX 16

typedef struct {
    char *sender;
    guint32 serial;
    ScdGateError reason;
} Refusal;

struct ScdRefusals {
    GQueue waiting; /* of Refusal */
    ScdTokenBucket bucket;
};

static void
free_refusal(gpointer data)
{
    Refusal *refusal = data;

    g_free(refusal->sender);
    g_free(refusal);
}

ScdRefusals *
scd_refusals_new(void)
{
    ScdRefusals *refusals = g_new0(ScdRefusals, 1);

    g_queue_init(&refusals->waiting);
    return refusals;
}

void
scd_refusals_free(ScdRefusals *refusals)
{
    g_queue_clear_full(&refusals->waiting, free_refusal);
    g_free(refusals);
}

void
scd_refusals_add(ScdRefusals *refusals, const ScdDbusHeader *call, const ScdGateError *reason)
{
    if (refusals->waiting.length >= SCD_REFUSALS_MAX)
        return;
    Refusal *refusal = g_new(Refusal, 1);
    *refusal = (Refusal){g_strdup(call->sender), call->serial, *reason};
    g_queue_push_tail(&refusals->waiting, refusal);
}

gboolean
scd_refusals_is_empty(const ScdRefusals *refusals)
{
    return refusals->waiting.length == 0;
}

static void
encode_refusal(const Refusal *refusal, guint32 serial, GByteArray *bytes)
{
    const ScdDbusHeader error = {.serial = serial,
                                 .reply_serial = refusal->serial,
                                 .destination = refusal->sender,
                                 .error_name = refusal->reason.name};

    scd_dbus_append_error(bytes, &error, refusal->reason.text);
}

GByteArray *
scd_refusals_take(ScdRefusals *refusals, guint32 *serial, gint64 now_us)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (guint i = 0; i < AT_ONCE_MAX && refusals->waiting.length > 0 &&
                      scd_token_bucket_has(&refusals->bucket, &rate, now_us);
         i++) {
        Refusal *refusal = g_queue_pop_head(&refusals->waiting);
        scd_token_bucket_take(&refusals->bucket, &rate, 1, now_us);
        *serial = scd_dbus_next_serial(*serial);
        encode_refusal(refusal, *serial, bytes);
        free_refusal(refusal);
    }
    return bytes->len > 0 ? g_steal_pointer(&bytes) : NULL;
}
