/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/bus-packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/dbus-message.h"

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
scd_bus_packet_append(ScdBusPacket *packet, const ScdBusPacket *next)
{
    if (!is_plain(packet) || !is_plain(next))
        return FALSE;
    g_byte_array_append(packet->bytes, next->bytes->data, next->bytes->len);
    return TRUE;
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
