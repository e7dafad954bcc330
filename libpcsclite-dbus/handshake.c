/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "pcsc.h"

#define DEFAULT_PATH "/run/dbus/system_bus_socket"
#define ADDRESS_PREFIX "unix:path="

#define LINE_MAX_LENGTH 256
#define GUID_LENGTH 32

/* More than the Hello message, and than the lines of the authentication. */
#define OUTPUT_MAX 2048

/* For each line of the bus. */
static const struct timeval answer_limit = {.tv_sec = 30};

typedef struct {
    int bus;     /* socket of the bus */
    int sd_bus;  /* end of a socket pair, which sd-bus takes for the bus */
    int own_end; /* the other end */
    char guid[GUID_LENGTH + 1];
    bool passes_fds;
} PldHandshake;

static void
close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void
clear_handshake(PldHandshake *handshake)
{
    close_fd(handshake->bus);
    close_fd(handshake->own_end);
}

/* Addresses with several parts, escapes or an abstract socket are not those of a sandbox. */
static int
connect_to_socket(void)
{
    const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    const char *path = DEFAULT_PATH;
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (address && strncmp(address, ADDRESS_PREFIX, strlen(ADDRESS_PREFIX)) != 0)
        return -EPROTONOSUPPORT;
    if (address)
        path = address + strlen(ADDRESS_PREFIX);
    if (strpbrk(path, ",;%") || strlen(path) >= sizeof name.sun_path)
        return -EPROTONOSUPPORT;
    strcpy(name.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &answer_limit, sizeof answer_limit);
    if (connect(fd, (const struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static int
send_all(int fd, const void *data, size_t length)
{
    const char *rest = data;

    while (length > 0) {
        ssize_t sent = send(fd, rest, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return -errno;
        if (sent > 0) {
            rest += sent;
            length -= (size_t)sent;
        }
    }
    return 0;
}

/* Reads a line without its end, byte by byte: the bytes after it are for sd-bus. */
static int
read_line(int fd, char line[LINE_MAX_LENGTH])
{
    for (size_t length = 0; length < LINE_MAX_LENGTH;) {
        ssize_t received = recv(fd, &line[length], 1, 0);
        if (received == 0)
            return -ECONNRESET;
        if (received < 0 && errno != EINTR)
            return -errno;
        if (received < 0 || line[length++] != '\n')
            continue;
        if (length < 2 || line[length - 2] != '\r')
            return -EPROTO;
        line[length - 2] = '\0';
        return 0;
    }
    return -EPROTO;
}

static int
exchange_line(int fd, const char *command, size_t length, char answer[LINE_MAX_LENGTH])
{
    int r = send_all(fd, command, length);
    return r < 0 ? r : read_line(fd, answer);
}

/* The user's number in decimal, as text in hexadecimal digits. */
static size_t
format_auth_line(char line[LINE_MAX_LENGTH])
{
    char user[16];
    size_t length = 1; /* the line follows a byte 0 */

    snprintf(user, sizeof user, "%u", geteuid());
    line[0] = '\0';
    length += (size_t)sprintf(line + length, "AUTH EXTERNAL ");
    for (const char *digit = user; *digit; digit++)
        length += (size_t)sprintf(line + length, "%02x", (unsigned char)*digit);
    length += (size_t)sprintf(line + length, "\r\n");
    return length;
}

static int
authenticate(PldHandshake *handshake)
{
    static const char negotiate[] = "NEGOTIATE_UNIX_FD\r\n", begin[] = "BEGIN\r\n";
    char line[LINE_MAX_LENGTH], answer[LINE_MAX_LENGTH];
    int r = exchange_line(handshake->bus, line, format_auth_line(line), answer);

    if (r < 0)
        return r;
    if (strncmp(answer, "OK ", 3) != 0 || strlen(answer) != 3 + GUID_LENGTH)
        return -EPERM;
    memcpy(handshake->guid, answer + 3, GUID_LENGTH);
    r = exchange_line(handshake->bus, negotiate, strlen(negotiate), answer);
    if (r < 0)
        return r;
    handshake->passes_fds = strcmp(answer, "AGREE_UNIX_FD") == 0;
    return send_all(handshake->bus, begin, strlen(begin));
}

/* Answers the steps of sd-bus's authentication as the bus would, until it sends BEGIN. */
static int
answer_sd_bus(const PldHandshake *handshake)
{
    char line[LINE_MAX_LENGTH], answers[2 * LINE_MAX_LENGTH] = "";
    bool first = true;

    for (;;) {
        int r = read_line(handshake->own_end, line);
        if (r < 0)
            return r;
        const char *command = first ? line + 1 : line; /* after the byte 0 */
        first = false;
        size_t length = strlen(answers);
        char *end = answers + length;
        if (strcmp(command, "BEGIN") == 0)
            return send_all(handshake->own_end, answers, length);
        if (length > LINE_MAX_LENGTH)
            return -EPROTO;
        if (strcmp(command, "AUTH EXTERNAL") == 0)
            strcpy(end, "DATA\r\n");
        else if (strcmp(command, "NEGOTIATE_UNIX_FD") == 0)
            strcpy(end, handshake->passes_fds ? "AGREE_UNIX_FD\r\n" : "ERROR\r\n");
        else
            sprintf(end, "OK %s\r\n", handshake->guid);
    }
}

/* Passes the first message on, and then lets sd-bus use the socket of the bus itself. */
static int
hand_over(PldHandshake *handshake, sd_bus *bus)
{
    char output[OUTPUT_MAX];
    ssize_t length = 0;

    while (length <= 0) {
        int r = sd_bus_process(bus, NULL);
        if (r < 0)
            return r;
        length = recv(handshake->own_end, output, sizeof output, MSG_DONTWAIT);
        if (length == 0 || (length < 0 && errno != EAGAIN) || (length < 0 && r == 0))
            return -EPROTO;
    }
    int r = send_all(handshake->bus, output, (size_t)length);
    if (r < 0)
        return r;
    if (dup3(handshake->bus, handshake->sd_bus, O_CLOEXEC) < 0)
        return -errno;
    return fcntl(handshake->sd_bus, F_SETFL, O_RDWR | O_NONBLOCK) < 0 ? -errno : 0;
}

static int
start_sd_bus(PldHandshake *handshake, sd_bus *bus)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    handshake->sd_bus = ends[0];
    handshake->own_end = ends[1];
    int r = sd_bus_set_fd(bus, ends[0], ends[0]);
    if (r < 0) {
        close(ends[0]);
        return r;
    }
    r = sd_bus_set_bus_client(bus, 1);
    return r < 0 ? r : sd_bus_start(bus);
}

int
pld_handshake_open_system(sd_bus **bus)
{
    PLD_CLEANUP(clear_handshake) PldHandshake handshake = {.own_end = -1};
    PLD_CLEANUP(sd_bus_close_unrefp) sd_bus *new_bus = NULL;

    handshake.bus = connect_to_socket();
    int r = handshake.bus < 0 ? handshake.bus : authenticate(&handshake);
    if (r >= 0)
        r = sd_bus_new(&new_bus);
    if (r >= 0)
        r = start_sd_bus(&handshake, new_bus);
    if (r >= 0)
        r = answer_sd_bus(&handshake);
    if (r >= 0)
        r = hand_over(&handshake, new_bus);
    if (r < 0)
        return r;
    *bus = new_bus;
    new_bus = NULL;
    return 0;
}
