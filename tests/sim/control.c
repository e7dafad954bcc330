/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Serves the control socket: one thread for all connections, so that no client waits for another.
 * No client can block it: the sockets do not block, and no command is read from a client that does
 * not read its answers.
 *
 * The path of the socket is $SCD_SIM_SOCKET, or /run/scd-sim/control. Copies of the library in one
 * pcscd must not share it: the part of a copy's file name between "libscd-sim" and ".so" is
 * appended.
 */

#include "control.h"

#include "command.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64, LINE_MAX_BYTES = 1024 };

struct client {
    int fd; /* -1: free */
    bool hang_up;
    char line[LINE_MAX_BYTES];
    size_t line_length;
    char *answers; /* the answers to the last lines, until all are sent; or NULL */
    size_t answers_length, sent;
};

/* While the thread runs, it alone uses all but stopper. */
static struct sockaddr_un address;
static int listener, stopper;
static pthread_t thread;
static struct client clients[CLIENTS_MAX];

static void
client_close(struct client *client)
{
    close(client->fd);
    free(client->answers);
    *client = (struct client){.fd = -1};
}

static void
client_send(struct client *client)
{
    ssize_t count = send(client->fd, client->answers + client->sent,
                         client->answers_length - client->sent, MSG_NOSIGNAL);

    if (count >= 0)
        client->sent += (size_t)count;
    else if (errno != EAGAIN && errno != EINTR)
        client->hang_up = true;
    if (client->hang_up || client->sent == client->answers_length) {
        free(client->answers);
        client->answers = NULL;
    }
}

/* Runs the complete lines received so far and keeps the rest. */
static void
client_run_lines(struct client *client, FILE *answers)
{
    char *start = client->line, *end;
    size_t left = client->line_length;

    while ((end = memchr(start, '\n', left)) != NULL) {
        *end = '\0';
        if (strlen(start) == (size_t)(end - start))
            command_run(start, answers);
        else
            fputs("error stray zero byte\n", answers);
        left -= (size_t)(end + 1 - start);
        start = end + 1;
    }
    memmove(client->line, start, left);
    client->line_length = left;
    if (left == sizeof(client->line)) {
        fputs("error line too long\n", answers);
        client->hang_up = true;
    }
}

static void
client_receive(struct client *client)
{
    ssize_t count = recv(client->fd, client->line + client->line_length,
                         sizeof(client->line) - client->line_length, 0);

    if (count <= 0) {
        client->hang_up = count == 0 || (errno != EAGAIN && errno != EINTR);
        return;
    }
    client->line_length += (size_t)count;

    FILE *answers = open_memstream(&client->answers, &client->answers_length);
    if (answers == NULL) {
        client->hang_up = true;
        return;
    }
    client_run_lines(client, answers);
    client->hang_up |= fclose(answers) != 0;
    client->sent = 0;
    client_send(client);
}

static void
client_serve(struct client *client)
{
    if (client->answers != NULL)
        client_send(client);
    else
        client_receive(client);
    if (client->hang_up && client->answers == NULL)
        client_close(client);
}

/* To be called only while an entry is free. */
static void
accept_client(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (size_t i = 0; fd >= 0 && i < CLIENTS_MAX; i++) {
        if (clients[i].fd < 0) {
            clients[i].fd = fd;
            return;
        }
    }
}

static void *
serve_in_thread(void *unused)
{
    struct pollfd polls[CLIENTS_MAX + 2];

    for (;;) {
        bool room = false;
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
            short events = clients[i].answers != NULL ? POLLOUT : POLLIN;

            polls[i] = (struct pollfd){.fd = clients[i].fd, .events = events};
            room |= clients[i].fd < 0;
        }
        polls[CLIENTS_MAX] = (struct pollfd){.fd = room ? listener : -1, .events = POLLIN};
        polls[CLIENTS_MAX + 1] = (struct pollfd){.fd = stopper, .events = POLLIN};

        if (poll(polls, CLIENTS_MAX + 2, -1) < 0)
            continue;
        if (polls[CLIENTS_MAX + 1].revents != 0)
            return NULL;
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            if (polls[i].revents != 0)
                client_serve(&clients[i]);
        if (polls[CLIENTS_MAX].revents != 0)
            accept_client();
    }
}

/* Returns the suffix of this copy of the library, up to the dot that ends it. */
static const char *
find_suffix(void)
{
    static const char prefix[] = "/libscd-sim";
    Dl_info library;

    if (dladdr(&address, &library) == 0)
        return "";
    const char *base = strrchr(library.dli_fname, '/');
    if (base == NULL || strncmp(base, prefix, strlen(prefix)) != 0)
        return "";
    return base + strlen(prefix);
}

static bool
find_address(void)
{
    const char *path = getenv("SCD_SIM_SOCKET");
    const char *suffix = find_suffix();

    address.sun_family = AF_UNIX;
    int length =
        snprintf(address.sun_path, sizeof(address.sun_path), "%s%.*s",
                 path != NULL ? path : "/run/scd-sim/control", (int)strcspn(suffix, "."), suffix);
    if (length < (int)sizeof(address.sun_path))
        return true;
    errno = ENAMETOOLONG;
    return false;
}

static void
make_folder(void)
{
    char *end = strrchr(address.sun_path, '/');

    if (end == NULL)
        return;
    *end = '\0';
    mkdir(address.sun_path, 0755);
    *end = '/';
}

/*
 * Creates a socket to which only the user of pcscd can connect, and replaces that of an earlier
 * pcscd.
 */
static bool
open_listener(void)
{
    if (!find_address())
        return false;
    make_folder();
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0)
        return false;
    unlink(address.sun_path);
    if (fchmod(listener, 0600) == 0 &&
        bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        listen(listener, SOMAXCONN) == 0)
        return true;
    close(listener);
    return false;
}

/* Blocks all signals in the thread: they are for pcscd. */
static bool
start_thread(void)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&thread, NULL, serve_in_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errno == 0;
}

static void
close_listener(void)
{
    close(listener);
    unlink(address.sun_path);
}

bool
control_start(void)
{
    bool listening = open_listener();

    for (size_t i = 0; i < CLIENTS_MAX; i++)
        clients[i] = (struct client){.fd = -1};
    stopper = listening ? eventfd(0, EFD_CLOEXEC) : -1;
    if (stopper >= 0 && start_thread())
        return true;

    fprintf(stderr, "scd-sim: cannot serve %s: %s\n", address.sun_path, strerror(errno));
    if (stopper >= 0)
        close(stopper);
    if (listening)
        close_listener();
    return false;
}

void
control_stop(void)
{
    eventfd_write(stopper, 1);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (clients[i].fd >= 0)
            client_close(&clients[i]);
    close(stopper);
    close_listener();
}
