/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/socket-watch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define DEFAULT_PATH "/run/pcscd/pcscd.comm"

/*
 * The events of the socket. pcscd binds the socket, listens, and then changes its mode, so that
 * IN_ATTRIB causes another attempt if the connection is refused at IN_CREATE.
 */
#define SOCKET_EVENTS (IN_CREATE | IN_ATTRIB | IN_MOVED_TO)
#define DIRECTORY_EVENTS (IN_CREATE | IN_MOVED_TO)
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)

struct ScdSocketWatch {
    char *path; /* of the socket */
    int inotify;
    int watch;     /* the only one; -1 while there is none */
    char *awaited; /* the name whose events count, in the watched directory */
};

const char *
scd_socket_path(void)
{
    const char *path = g_getenv("PCSCLITE_CSOCK_NAME");
    return path && *path ? path : DEFAULT_PATH;
}

/* Watches the directory of the socket or, if it does not exist, the nearest one above it. */
static void
add_watch(ScdSocketWatch *watch)
{
    g_autofree char *child = g_strdup(watch->path);
    guint32 events = SOCKET_EVENTS;

    if (watch->watch >= 0)
        inotify_rm_watch(watch->inotify, watch->watch);
    do {
        g_autofree char *folder = g_path_get_dirname(child);
        watch->watch = inotify_add_watch(watch->inotify, folder, events | SELF_EVENTS | IN_ONLYDIR);
        g_free(watch->awaited);
        watch->awaited = g_path_get_basename(child);
        events = DIRECTORY_EVENTS;
        g_free(child);
        child = g_steal_pointer(&folder);
    } while (watch->watch < 0 && strlen(child) > 1);
}

ScdSocketWatch *
scd_socket_watch_new(const char *path)
{
    int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify < 0)
        return NULL;

    ScdSocketWatch *watch = g_new0(ScdSocketWatch, 1);
    watch->path = g_strdup(path);
    watch->inotify = inotify;
    watch->watch = -1;
    add_watch(watch);
    return watch;
}

void
scd_socket_watch_free(ScdSocketWatch *watch)
{
    close(watch->inotify);
    g_free(watch->awaited);
    g_free(watch->path);
    g_free(watch);
}

/* Reads all pending events, and returns whether one of them concerns the awaited name. */
static gboolean
read_events(ScdSocketWatch *watch)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    gboolean relevant = FALSE;
    gssize length;

    while ((length = read(watch->inotify, buffer, sizeof buffer)) > 0) {
        for (char *at = buffer; at < buffer + length;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            if ((event->mask & (SELF_EVENTS | IN_Q_OVERFLOW)) ||
                (event->len > 0 && g_str_equal(event->name, watch->awaited)))
                relevant = TRUE;
            at += sizeof *event + event->len;
        }
    }
    return relevant;
}

gboolean
scd_socket_watch_wait(ScdSocketWatch *watch, int wake_fd, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN},
                           {.fd = watch ? watch->inotify : -1, .events = POLLIN}};

    for (;;) {
        int ready = poll(fds, G_N_ELEMENTS(fds), timeout_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || fds[0].revents)
            return FALSE;
        if (read_events(watch)) {
            add_watch(watch);
            return TRUE;
        }
    }
}
