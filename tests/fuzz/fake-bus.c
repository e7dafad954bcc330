/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-bus.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "fake-channel.h"
#include "fake-values.h"
#include "fuzz.h"

#define BUS "org.freedesktop.DBus"
#define SERVICE "org.smartcardd1"
#define SERVICE_OWNER ":1.7"
#define CHANNELS_MAX 8

typedef struct {
    sd_bus *bus;
    ScdFuzzInput input;
    ScdFakeBusEnd end;
    int channels[CHANNELS_MAX]; /* the service's ends */
    guint n_channels;
    gboolean hangs_up;
} Connection;

static GMutex lock;
static GBytes *answers; /* under the lock */
static ScdFakeBusEnd answers_end;

/* Sends and frees the message. Hangs up if it could not be built. */
static void
send_message(Connection *connection, sd_bus_message *message, const char *sender, int r)
{
    if (r >= 0)
        r = sd_bus_message_set_sender(message, sender);
    if (r >= 0)
        r = sd_bus_send(connection->bus, message, NULL);
    connection->hangs_up |= r < 0;
    sd_bus_message_unref(message);
}

static void
reply_to_bus_call(Connection *connection, sd_bus_message *call)
{
    const char *member = sd_bus_message_get_member(call);
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(call, &reply);

    if (r >= 0 && g_strcmp0(member, "Hello") == 0)
        r = sd_bus_message_append(reply, "s", ":1.9");
    else if (r >= 0 && g_strcmp0(member, "GetNameOwner") == 0)
        r = sd_bus_message_append(reply, "s", SERVICE_OWNER);
    else if (r >= 0 && g_strcmp0(member, "StartServiceByName") == 0)
        r = sd_bus_message_append(reply, "u", 2);
    send_message(connection, reply, BUS, r);
}

static void
send_owner_changed(Connection *connection, const char *before, const char *after)
{
    sd_bus_message *message = NULL;
    int r = sd_bus_message_new_signal(connection->bus, &message, "/org/freedesktop/DBus", BUS,
                                      "NameOwnerChanged");

    if (r >= 0)
        r = sd_bus_message_append(message, "sss", SERVICE, before, after);
    send_message(connection, message, BUS, r);
}

static void
restart_service(Connection *connection)
{
    send_owner_changed(connection, SERVICE_OWNER, "");
    send_owner_changed(connection, "", SERVICE_OWNER);
}

/*
 * All names are valid: a bus would not deliver another one, and the client's end drops it. After
 * the first one, the service leaves the bus and comes back.
 */
static void
reply_with_error(Connection *connection, sd_bus_message *call)
{
    static const char *const names[] = {
        BUS ".Error.NoReply",
        "org.smartcardd1.Error.NotAuthorized",
        "org.smartcardd1.Error.RemovedCard",
        "org.smartcardd1.Error.Timeout",
        BUS ".Error.UnknownObject",
        BUS ".Error.LimitsExceeded",
        "org.smartcardd1.Error",
        "a.b",
    };
    guint choice = scd_fuzz_pick(&connection->input, G_N_ELEMENTS(names));
    g_autofree char *text = scd_fuzz_take_utf8(&connection->input);
    const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(names[choice], text);
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_error(call, &reply, &error);

    send_message(connection, reply, SERVICE_OWNER, r);
    if (choice == 0)
        restart_service(connection);
}

static int
append_channel(Connection *connection, sd_bus_message *reply)
{
    int ends[2];

    if (connection->n_channels == CHANNELS_MAX ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    connection->channels[connection->n_channels++] = ends[0];
    int r = sd_bus_message_append(reply, "h", ends[1]); /* makes a copy */
    close(ends[1]);
    return r;
}

static void
reply_with_value(Connection *connection, sd_bus_message *call, gboolean valid)
{
    const char *member = sd_bus_message_get_member(call);
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(call, &reply);

    if (r >= 0 && !valid)
        r = scd_fake_append_any_values(reply, &connection->input);
    else if (r >= 0 && g_strcmp0(member, "OpenChannel") == 0)
        r = append_channel(connection, reply);
    else if (r >= 0)
        r = scd_fake_append_result(reply, &connection->input, member);
    send_message(connection, reply, SERVICE_OWNER, r);
}

static void
send_signal_of_kind(Connection *connection, guint kind, gboolean valid)
{
    static const char *const paths[] = {SCD_FAKE_ROOT, SCD_FAKE_READER, SCD_FAKE_CARD,
                                        SCD_FAKE_SESSION};
    const ScdFakeSignal *signal = scd_fake_signal(kind);
    const char *path = paths[scd_fuzz_pick(&connection->input, G_N_ELEMENTS(paths))];
    sd_bus_message *message = NULL;
    int r = sd_bus_message_new_signal(connection->bus, &message, path, signal->interface,
                                      signal->member);

    if (r >= 0)
        r = valid ? signal->append(message, &connection->input)
                  : scd_fake_append_any_values(message, &connection->input);
    send_message(connection, message, SERVICE_OWNER, r);
}

static void
send_signal(Connection *connection, gboolean valid)
{
    guint kind = scd_fuzz_pick(&connection->input, SCD_FAKE_SIGNALS);

    send_signal_of_kind(connection, kind, valid);
}

/* After the readers: causes the client to read them again, or hangs up. */
static void
end_reading(Connection *connection)
{
    if (connection->end != SCD_FAKE_BUS_HANGS_UP)
        return;
    if (connection->input.size == 0) {
        connection->hangs_up = TRUE;
        return;
    }
    send_signal(connection, TRUE);
    send_signal_of_kind(connection, SCD_FAKE_INTERFACES_REMOVED, TRUE);
}

static void
reply_to_service_call(Connection *connection, sd_bus_message *call)
{
    switch (scd_fuzz_pick(&connection->input, 16)) {
    case 11:
        reply_with_value(connection, call, TRUE);
        restart_service(connection);
        break;
    case 12:
        reply_with_error(connection, call);
        break;
    case 13:
        reply_with_value(connection, call, FALSE);
        break;
    case 14:
        send_signal(connection, TRUE);
        reply_with_value(connection, call, TRUE);
        break;
    case 15:
        send_signal(connection, scd_fuzz_pick(&connection->input, 2) == 0);
        connection->hangs_up |= scd_fuzz_pick(&connection->input, 4) == 3;
        reply_with_value(connection, call, TRUE);
        break;
    default:
        reply_with_value(connection, call, TRUE);
    }
    if (g_strcmp0(sd_bus_message_get_member(call), "GetManagedObjects") == 0)
        end_reading(connection);
}

static int
handle_message(sd_bus_message *message, void *data, sd_bus_error *error)
{
    Connection *connection = data;

    if (sd_bus_message_is_method_call(message, NULL, NULL) <= 0)
        return 0;
    if (g_strcmp0(sd_bus_message_get_destination(message), BUS) == 0)
        reply_to_bus_call(connection, message);
    else
        reply_to_service_call(connection, message);
    return 1;
}

static int
start_connection(Connection *connection, int socket)
{
    int r = sd_bus_new(&connection->bus);

    if (r >= 0)
        r = sd_bus_set_fd(connection->bus, socket, socket);
    if (r >= 0)
        r = sd_bus_set_server(
            connection->bus, 1,
            SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11, 12, 13, 14, 15, 16));
    if (r >= 0)
        r = sd_bus_negotiate_fds(connection->bus, 1);
    if (r >= 0)
        r = sd_bus_add_filter(connection->bus, NULL, handle_message, connection);
    return r < 0 ? r : sd_bus_start(connection->bus);
}

static void
close_channel(Connection *connection, guint index)
{
    close(connection->channels[index]);
    connection->channels[index] = connection->channels[--connection->n_channels];
}

/* Returns FALSE if the connection has ended. */
static gboolean
wait_for_client(Connection *connection)
{
    GPollFD polled[1 + CHANNELS_MAX] = {
        {sd_bus_get_fd(connection->bus), (gushort)sd_bus_get_events(connection->bus), 0}};
    guint n_channels = connection->n_channels;

    for (guint i = 0; i < n_channels; i++)
        polled[1 + i] = (GPollFD){connection->channels[i], G_IO_IN, 0};
    if (polled[0].fd < 0 || g_poll(polled, 1 + n_channels, -1) < 0)
        return FALSE;
    for (guint i = n_channels; i-- > 0;) {
        if (polled[1 + i].revents != 0 &&
            !scd_fake_channel_answer(connection->channels[i], &connection->input))
            close_channel(connection, i);
    }
    return TRUE;
}

static void
serve(int socket)
{
    Connection connection = {0};
    g_autoptr(GBytes) data = NULL;

    g_mutex_lock(&lock);
    data = g_bytes_ref(answers);
    connection.end = answers_end;
    g_mutex_unlock(&lock);
    connection.input.data = g_bytes_get_data(data, &connection.input.size);
    int r = start_connection(&connection, socket);
    while (r >= 0 && !connection.hangs_up) {
        r = sd_bus_process(connection.bus, NULL);
        if (r == 0 && !connection.hangs_up && !wait_for_client(&connection))
            break;
    }
    while (connection.n_channels > 0)
        close_channel(&connection, 0);
    sd_bus_flush(connection.bus);
    sd_bus_close_unref(connection.bus);
}

static gpointer
run_bus(gpointer listener)
{
    for (;;) {
        int socket = accept4(GPOINTER_TO_INT(listener), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        g_assert_cmpint(socket, >=, 0);
        serve(socket);
    }
    return NULL;
}

/* The timer of libFuzzer sends SIGALRM to the process, which must not interrupt this thread. */
static void
start_thread(int listener)
{
    sigset_t alarm, before;

    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    g_assert_cmpint(pthread_sigmask(SIG_BLOCK, &alarm, &before), ==, 0);
    g_thread_unref(g_thread_new("bus", run_bus, GINT_TO_POINTER(listener)));
    g_assert_cmpint(pthread_sigmask(SIG_SETMASK, &before, NULL), ==, 0);
}

/* The kernel chooses an abstract name, so that no file is left. */
void
scd_fake_bus_start(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t length = sizeof name;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(listener, (const struct sockaddr *)&name, sizeof name.sun_family), ==, 0);
    g_assert_cmpint(listen(listener, SOMAXCONN), ==, 0);
    g_assert_cmpint(getsockname(listener, (struct sockaddr *)&name, &length), ==, 0);
    gsize skipped = offsetof(struct sockaddr_un, sun_path) + 1;
    g_autofree char *address =
        g_strdup_printf("unix:abstract=%.*s", (int)(length - skipped), name.sun_path + 1);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
    start_thread(listener);
}

void
scd_fake_bus_set_answers(const guint8 *data, gsize size, ScdFakeBusEnd end)
{
    static gsize started = 0;

    g_mutex_lock(&lock);
    g_clear_pointer(&answers, g_bytes_unref);
    answers = g_bytes_new(data, size);
    answers_end = end;
    g_mutex_unlock(&lock);
    if (g_once_init_enter(&started)) {
        scd_fake_bus_start();
        g_once_init_leave(&started, 1);
    }
}
