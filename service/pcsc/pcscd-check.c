/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/pcscd-check.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pcsc/main-thread.h"
#include "pcsc/socket-watch.h"

/* winscard_msg.h of pcsc-lite, which is not installed. The same in all versions since 1.6.6. */
#define CMD_VERSION 0x11
#define CMD_GET_READERS_STATE 0x12
#define VERSION_MAJOR 4
#define VERSION_MINOR 4

#define QUERY_LIMIT_MS 5000

typedef struct {
    guint32 size; /* of what follows */
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
is_silent_on(int fd, gint64 until)
{
    const PcscdHeader ask_version = {sizeof(PcscdVersion), CMD_VERSION};
    const PcscdHeader ask_readers = {0, CMD_GET_READERS_STATE};
    PcscdVersion version = {VERSION_MAJOR, VERSION_MINOR, 0};
    char byte;

    if (!send_all(fd, &ask_version, sizeof ask_version) || !send_all(fd, &version, sizeof version))
        return FALSE;
    if (!receive_any(fd, &version, sizeof version, until))
        return remaining_ms(until) == 0;
    if (!send_all(fd, &ask_readers, sizeof ask_readers))
        return FALSE;
    return !receive_any(fd, &byte, sizeof byte, until) && remaining_ms(until) == 0;
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
