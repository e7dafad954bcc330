/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bare.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client.h"
#include "measure.h"

#define ANSWER_HEADER 8
#define PACKET_MAX (CLIENT_REQUEST_HEADER + 65548)

typedef struct {
    const char *reader;
    int fd;
    int wake_fd;
} Bare;

static void
answer_packet(Client *card, int fd, const uint8_t *packet, size_t length)
{
    static const uint8_t header[ANSWER_HEADER];

    size_t received =
        client_transmit(card, packet + CLIENT_REQUEST_HEADER, length - CLIENT_REQUEST_HEADER);
    struct iovec parts[] = {{(void *)header, sizeof header}, {card->answer, received}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    check(sendmsg(fd, &message, MSG_NOSIGNAL) > 0, "bare channel");
}

static void *
serve_channel(void *data)
{
    static uint8_t packet[PACKET_MAX];
    static Client card;
    const Bare *bare = data;
    struct pollfd polled[] = {{bare->wake_fd, POLLIN, 0}, {bare->fd, POLLIN, 0}};

    client_open(&card, CLIENT_PLAIN, bare->reader);
    while (ppoll(polled, 2, NULL, NULL) > 0) {
        ssize_t length = recv(bare->fd, packet, sizeof packet, MSG_DONTWAIT);
        if (length <= 0)
            _exit(0);
        answer_packet(&card, bare->fd, packet, (size_t)length);
    }
    return NULL;
}

int
bare_channel_open(const char *reader)
{
    int ends[2];
    pthread_t thread;

    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        Bare bare = {reader, ends[1], eventfd(0, EFD_CLOEXEC)};
        close(ends[0]);
        check(pthread_create(&thread, NULL, serve_channel, &bare) == 0, "thread");
        pthread_join(thread, NULL);
        _exit(1);
    }
    close(ends[1]);
    return ends[0];
}
