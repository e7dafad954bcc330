/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/pcscd-socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pcsc/main-thread.h"

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

/* winscard_msg.h of pcsc-lite, which is not installed. The same in all versions since 1.6.6. */
#define CMD_VERSION 0x11
#define CMD_GET_READERS_STATE 0x12
#define VERSION_MAJOR 4
#define VERSION_MINOR 4

#define QUERY_LIMIT_MS 5000
#define SERVING_LIMIT_MS 2000 /* less than the limit of scd_monitor_free() */

typedef struct {
    guint32 size; /* of the data after the header */
    guint32 command;
} PcscdHeader;

typedef struct {
    gint32 major;
    gint32 minor;
    guint32 code;
} PcscdVersion;

static int
remaining_ms(gint64 until)
{
    return (int)(MAX(until - g_get_monotonic_time(), 0) / 1000);
}

/* Returns a connected socket; or -1 with errno, EAGAIN if pcscd does not accept connections. */
static int
connect_to_pcscd(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    g_strlcpy(address.sun_path, scd_socket_path(), sizeof address.sun_path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static gboolean
send_all(int fd, gconstpointer bytes, gsize length)
{
    return send(fd, bytes, length, MSG_NOSIGNAL) == (gssize)length;
}

/* Reads up to the length; returns FALSE if nothing was received in time. */
static gboolean
receive_any(int fd, gpointer bytes, gsize length, gint64 until)
{
    struct pollfd answer = {.fd = fd, .events = POLLIN};

    return poll(&answer, 1, remaining_ms(until)) > 0 && recv(fd, bytes, length, 0) >= 0;
}

static gboolean
ask_version(int fd, gint64 until)
{
    const PcscdHeader header = {sizeof(PcscdVersion), CMD_VERSION};
    PcscdVersion version = {VERSION_MAJOR, VERSION_MINOR, 0};

    return send_all(fd, &header, sizeof header) && send_all(fd, &version, sizeof version) &&
           receive_any(fd, &version, sizeof version, until);
}

static gboolean
is_silent_on(int fd, gint64 until)
{
    const PcscdHeader ask_readers = {0, CMD_GET_READERS_STATE};
    char byte;

    if (!ask_version(fd, until))
        return remaining_ms(until) == 0;
    if (!send_all(fd, &ask_readers, sizeof ask_readers))
        return FALSE;
    return !receive_any(fd, &byte, sizeof byte, until) && remaining_ms(until) == 0;
}

gboolean
scd_pcscd_is_serving(void)
{
    gint64 until = g_get_monotonic_time() + SERVING_LIMIT_MS * G_TIME_SPAN_MILLISECOND;
    int fd = connect_to_pcscd();

    if (fd < 0) /* for any other reason, such as no descriptor left, it is not known */
        return errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN;
    gboolean serving = ask_version(fd, until) || remaining_ms(until) > 0;
    close(fd);
    return serving;
}

/*
 * Asks for the protocol version and then for the readers, for which pcscd waits until it has
 * initialized all of them. A pcscd that refuses or ends the connection is not silent.
 */
static gboolean
is_silent(guint limit_ms)
{
    gint64 until = g_get_monotonic_time() + limit_ms * G_TIME_SPAN_MILLISECOND;
    int fd = connect_to_pcscd();

    if (fd < 0)
        return errno == EAGAIN;
    gboolean silent = is_silent_on(fd, until);
    close(fd);
    return silent;
}

typedef struct {
    const ScdPcscdCheckFuncs *funcs;
    gpointer data; /* with a reference */
    guint call;
    guint limit_ms;
    gboolean has_answered; /* to the query before */
    gboolean silent;
} ScdPcscdCheck;

static void
query_in_thread(gpointer data)
{
    ScdPcscdCheck *check = data;
    check->silent = is_silent(check->limit_ms);
}

static void
free_check(gpointer data)
{
    ScdPcscdCheck *check = data;
    g_atomic_rc_box_release(check->data);
    g_free(check);
}

static void start_query(gpointer data);

static void
handle_query(gpointer data)
{
    const ScdPcscdCheck *check = data;

    if (!check->funcs->queried(check->call, check->silent, check->data))
        return;
    if (check->has_answered && !check->silent) {
        check->funcs->library_hangs(check->data);
        return;
    }
    ScdPcscdCheck *next = g_memdup2(check, sizeof *check);
    next->data = g_atomic_rc_box_acquire(check->data);
    next->has_answered = !check->silent;
    g_timeout_add_once(check->limit_ms, start_query, next);
}

static void
start_query(gpointer data)
{
    static const ScdThreadTaskFuncs funcs = {query_in_thread, handle_query, free_check};
    const ScdPcscdCheck *check = data;

    if (!scd_thread_task_start("pcscd-check", &funcs, data)) /* there is no thread now */
        g_timeout_add_once(check->limit_ms, start_query, data);
}

void
scd_pcscd_check_start(const ScdPcscdCheckFuncs *funcs, gpointer data, guint call, guint limit_ms)
{
    ScdPcscdCheck *check = g_new0(ScdPcscdCheck, 1);

    check->funcs = funcs;
    check->data = data;
    check->call = call;
    check->limit_ms = MIN(limit_ms, QUERY_LIMIT_MS);
    start_query(check);
}
