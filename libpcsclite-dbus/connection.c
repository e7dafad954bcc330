/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "error-table.h"
#include "frame-format.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

/* How long a service that restarts, and that the bus does not start, may be away. */
#ifndef RESTART_MS /* tests/fuzz/ has no time */
#define RESTART_MS 5000
#endif

/* How long the one before may take to stop, and the next one to start and to send its objects. */
#define START_MS 25000

/* A service that ends again and again, or at this call, takes up to two attempts each time. */
#define ATTEMPTS_MAX 16

#define BUS_ERROR(name) "org.freedesktop.DBus.Error." name

#define FROM_SERVICE "type='signal',sender='" PLD_NAME "',"

/* Session.Closed needs no rule: the service sends it to the session's owner only. */
static const char *const rules[] = {
    "type='signal',sender='" BUS_NAME "',interface='" BUS_NAME
    "',member='NameOwnerChanged',arg0='" PLD_NAME "'",
    FROM_SERVICE "interface='" OBJECT_MANAGER "'",
    FROM_SERVICE "interface='" PROPERTIES "',path_namespace='" PLD_ROOT "'",
};

static const struct {
    const char *name;
    uint32_t code;
} error_codes[] = {
#define AS_ROW(constant, number, name, text) {SCD_ERROR_PREFIX name, 0x80100000u + number},
    SCD_PCSC_ERROR_TABLE(AS_ROW)
#undef AS_ROW
        {SCD_ERROR_PREFIX "NotAuthorized", SCARD_W_SECURITY_VIOLATION},
    {SCD_ERROR_PREFIX "NotOwner", SCARD_E_INVALID_HANDLE},

    /* The session or reader does not exist any more. */
    {BUS_ERROR("UnknownObject"), SCARD_E_INVALID_HANDLE},
    {BUS_ERROR("UnknownInterface"), SCARD_E_INVALID_HANDLE},
    {BUS_ERROR("UnknownMethod"), SCARD_E_INVALID_HANDLE},

    {BUS_ERROR("AccessDenied"), SCARD_W_SECURITY_VIOLATION},
    {BUS_ERROR("InteractiveAuthorizationRequired"), SCARD_W_SECURITY_VIOLATION},
    {BUS_ERROR("InvalidArgs"), SCARD_E_INVALID_PARAMETER},
    {BUS_ERROR("LimitsExceeded"), SCARD_E_NO_MEMORY},
    {BUS_ERROR("NoMemory"), SCARD_E_NO_MEMORY},
};

LONG
pld_bus_error_code(const sd_bus_error *error)
{
    for (size_t i = 0; i < sizeof error_codes / sizeof error_codes[0]; i++)
        if (sd_bus_error_has_name(error, error_codes[i].name))
            return pld_long(error_codes[i].code);
    return SCARD_E_NO_SERVICE;
}

bool
pld_bus_error_is_service_end(const sd_bus_error *error)
{
    return sd_bus_error_has_name(error, BUS_ERROR("NoReply")) ||
           sd_bus_error_has_name(error, SCD_ERROR_PREFIX "Shutdown");
}

static void
forget_service(PldConnection *connection)
{
    free(connection->service);
    connection->service = NULL;
}

void
pld_connection_detach(PldConnection *connection)
{
    if (!connection->service)
        return;
    forget_service(connection);
    connection->changed_ns = pld_now_ns();
    connection->callbacks.service_ended(connection->callbacks.data);
}

static int
handle_owner_changed(PldConnection *connection, sd_bus_message *message)
{
    const char *name, *before, *after;
    int r = sd_bus_message_read(message, "sss", &name, &before, &after);

    if (r < 0 || strcmp(name, PLD_NAME) != 0)
        return r;
    if (connection->service && strcmp(before, connection->service) == 0)
        pld_connection_detach(connection);
    connection->owner_left |= *before != '\0';
    connection->changed = true;
    connection->changed_ns = pld_now_ns();
    return r;
}

/* While a service is being attached, its signals concern the new list. */
static PldReaders *
present_readers(PldConnection *connection)
{
    bool attaching = connection->pending_replies > 0 || connection->without_pcscd;
    return attaching ? &connection->new_readers : &connection->readers;
}

static int
handle_interfaces_added(PldConnection *connection, sd_bus_message *message)
{
    PldObjectProperties properties = {0};
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        r = pld_object_properties_read_interfaces(&properties, message);
    if (r >= 0 && !pld_readers_add(present_readers(connection), path, &properties))
        connection->lost = true;
    return r;
}

static int
handle_interfaces_removed(PldConnection *connection, sd_bus_message *message)
{
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        pld_readers_remove(present_readers(connection), path);
    return r;
}

static int
handle_properties_changed(PldConnection *connection, sd_bus_message *message)
{
    PldObjectProperties properties = {0};
    const char *interface;
    int r = sd_bus_message_read(message, "s", &interface);

    if (r >= 0)
        r = pld_object_properties_read_properties(&properties, message, interface);
    if (r < 0)
        return r;
    pld_readers_update(present_readers(connection), sd_bus_message_get_path(message), &properties);
    if (properties.has_reader_changes)
        pld_readers_set_changes(present_readers(connection), properties.reader_changes);
    if (connection->without_pcscd)
        connection->changed |= properties.available;
    else
        connection->lost |= properties.unavailable;
    return r;
}

static int
handle_session_closed(PldConnection *connection, sd_bus_message *message)
{
    const char *reason;
    int r = sd_bus_message_read(message, "s", &reason);

    if (r >= 0)
        connection->callbacks.session_closed(sd_bus_message_get_path(message), reason,
                                             connection->callbacks.data);
    return r;
}

static const struct {
    const char *interface;
    const char *member;
    int (*handle)(PldConnection *connection, sd_bus_message *message);
} signals[] = {
    {PROPERTIES, "PropertiesChanged", handle_properties_changed},
    {OBJECT_MANAGER, "InterfacesAdded", handle_interfaces_added},
    {OBJECT_MANAGER, "InterfacesRemoved", handle_interfaces_removed},
    {PLD_SESSION, "Closed", handle_session_closed},
};

/* Ignores signals of other senders, and those that do not match the contract. */
static int
handle_message(sd_bus_message *message, void *data, sd_bus_error *error)
{
    PldConnection *connection = data;
    const char *sender = sd_bus_message_get_sender(message);

    if (!sender)
        return 0;
    if (strcmp(sender, BUS_NAME) == 0) {
        if (sd_bus_message_is_signal(message, BUS_NAME, "NameOwnerChanged") > 0)
            handle_owner_changed(connection, message);
        return 0;
    }
    if (!connection->service || strcmp(sender, connection->service) != 0)
        return 0;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        if (sd_bus_message_is_signal(message, signals[i].interface, signals[i].member) > 0) {
            signals[i].handle(connection, message);
            break;
        }
    }
    return 0;
}

static int
read_object(sd_bus_message *message, void *data)
{
    PldConnection *connection = data;
    PldObjectProperties properties = {0};
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        r = pld_object_properties_read_interfaces(&properties, message);
    if (r >= 0 && !pld_readers_add(&connection->new_readers, path, &properties))
        r = -ENOMEM;
    return r;
}

/*
 * Messages are processed in the order in which the service sent them: signals before this reply
 * are contained in it, and are ignored since connection->service is still NULL.
 */
static int
handle_objects_reply(sd_bus_message *message, void *data, sd_bus_error *error)
{
    PldConnection *connection = data;
    const char *sender = sd_bus_message_get_sender(message);

    connection->pending_replies--;
    if (sd_bus_message_is_method_error(message, NULL) > 0) {
        const sd_bus_error *reason = sd_bus_message_get_error(message);
        connection->code = pld_bus_error_code(reason);
        connection->stopping |= pld_bus_error_is_service_end(reason);
        return 0;
    }
    connection->service = sender ? strdup(sender) : NULL;
    if (!connection->service ||
        pld_read_dictionary(message, "oa{sa{sv}}", read_object, connection) < 0)
        connection->code = SCARD_F_COMM_ERROR;
    return 0;
}

/* Commands could be misunderstood by a service of another version. */
static LONG
check_version(const PldObjectProperties *properties)
{
    if (properties->has_channel_version && properties->channel_version == SCD_FRAME_VERSION)
        return SCARD_S_SUCCESS;
    fprintf(stderr,
            "libpcsclite-dbus: this library does not fit the running smartcardd (channel version "
            "%u instead of %u): install both in the same version, and restart smartcardd\n",
            properties->channel_version, SCD_FRAME_VERSION);
    return SCARD_E_SERVICE_STOPPED;
}

/*
 * An error means that the service is stopping: it has freed the object. But a limit on the calls of
 * the user has refused this call alone.
 */
static void
handle_manager_error(PldConnection *connection, const sd_bus_error *reason)
{
    bool is_refused = pld_bus_error_code(reason) == SCARD_E_NO_MEMORY;

    forget_service(connection);
    connection->code = is_refused ? SCARD_E_NO_MEMORY : SCARD_E_NO_SERVICE;
    connection->stopping = !is_refused;
}

static int
handle_manager_reply(sd_bus_message *message, void *data, sd_bus_error *error)
{
    PldConnection *connection = data;
    PldObjectProperties properties = {0};

    connection->pending_replies--;
    if (connection->code != SCARD_S_SUCCESS)
        return 0;
    if (sd_bus_message_is_method_error(message, NULL) > 0) {
        handle_manager_error(connection, sd_bus_message_get_error(message));
        return 0;
    }
    int r = pld_object_properties_read_properties(&properties, message, PLD_MANAGER);
    connection->code = r < 0 ? SCARD_E_NO_SERVICE : check_version(&properties);
    if (connection->code == SCARD_S_SUCCESS && !properties.available) {
        connection->code = SCARD_E_NO_SERVICE;
        connection->without_pcscd = true;
    }
    connection->new_readers.changes = properties.reader_changes;
    if (connection->code == SCARD_S_SUCCESS)
        pld_readers_replace(&connection->readers, &connection->new_readers);
    return 0;
}

static int
add_match(PldConnection *connection, const char *rule)
{
    PLD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *call = NULL;
    int r = sd_bus_message_new_method_call(connection->bus, &call, BUS_NAME, BUS_PATH, BUS_NAME,
                                           "AddMatch");

    if (r >= 0)
        r = sd_bus_message_append(call, "s", rule);
    if (r >= 0)
        r = sd_bus_message_set_expect_reply(call, 0);
    return r < 0 ? r : sd_bus_send(connection->bus, call, NULL);
}

/* Returns whether polkit may ask the user for authorization: needs a terminal or a display. */
static bool
has_interactive_user(void)
{
    return isatty(STDIN_FILENO) || isatty(STDERR_FILENO) || getenv("DISPLAY") ||
           getenv("WAYLAND_DISPLAY");
}

bool
pld_connection_has_socket(const PldConnection *connection)
{
    return connection->socket != 0 && pld_socket_inode(connection->fd) == connection->socket;
}

static int
connect_to_bus(PldConnection *connection, int (*open_bus)(sd_bus **bus))
{
    int r = open_bus(&connection->bus);

    if (r < 0)
        return r;
    connection->fd = sd_bus_get_fd(connection->bus);
    connection->socket = pld_socket_inode(connection->fd);
    r = sd_bus_set_allow_interactive_authorization(connection->bus, has_interactive_user());
    if (r >= 0)
        r = sd_bus_add_filter(connection->bus, NULL, handle_message, connection);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && r >= 0; i++)
        r = add_match(connection, rules[i]);
    return r;
}

static int
send_first_calls(PldConnection *connection)
{
    sd_bus_slot **slots = connection->first_calls;
    int r = sd_bus_call_method_async(connection->bus, &slots[0], PLD_NAME, PLD_ROOT, OBJECT_MANAGER,
                                     "GetManagedObjects", handle_objects_reply, connection, NULL);

    if (r >= 0)
        r = sd_bus_call_method_async(connection->bus, &slots[1], PLD_NAME, PLD_ROOT, PROPERTIES,
                                     "GetAll", handle_manager_reply, connection, "s", PLD_MANAGER);
    pld_readers_clear(&connection->new_readers);
    connection->pending_replies = 2;
    connection->changed = connection->owner_left = false;
    connection->stopping = connection->without_pcscd = false;
    connection->code = SCARD_S_SUCCESS;
    return r;
}

static void
drop_first_calls(PldConnection *connection)
{
    for (size_t i = 0; i < 2; i++)
        connection->first_calls[i] = sd_bus_slot_unref(connection->first_calls[i]);
    if (connection->pending_replies > 0 || connection->owner_left)
        forget_service(connection);
    connection->pending_replies = 0;
    pld_readers_clear(&connection->new_readers);
}

long long
pld_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 * PLD_NSEC_PER_MSEC + now.tv_nsec;
}

PldPoll
pld_connection_prepare_sleep(PldConnection *connection, int wake_fd, long long until_ns)
{
    int events = sd_bus_get_events(connection->bus);
    PldPoll sleep = {
        {{.fd = connection->fd, .events = (short)events}, {.fd = wake_fd, .events = POLLIN}},
        until_ns};
    uint64_t until;

    if (events < 0 || sd_bus_get_timeout(connection->bus, &until) < 0 || until == 0)
        sleep.until_ns = 0;
    return sleep;
}

void
pld_poll_sleep(PldPoll *sleep)
{
    const long long sec = 1000 * PLD_NSEC_PER_MSEC;
    long long left_ns = sleep->until_ns < 0 ? 0 : sleep->until_ns - pld_now_ns();
    struct timespec left = {.tv_sec = left_ns / sec, .tv_nsec = left_ns % sec};
    eventfd_t woken;

    if (left_ns < 0)
        left = (struct timespec){0};
    if (ppoll(sleep->fds, 2, sleep->until_ns < 0 ? NULL : &left, NULL) > 0 && sleep->fds[1].revents)
        eventfd_read(sleep->fds[1].fd, &woken);
}

/* Returns when done() returns true, the wait is to be ended, or the time is over; or an error. */
static int
process_until(PldConnection *connection, bool (*done)(const PldConnection *connection),
              const PldWaitEnd *end, long long until_ns)
{
    int r = 0;

    while (r >= 0 && !done(connection) && !(end->is_ended && end->is_ended(end->data)) &&
           (until_ns < 0 || pld_now_ns() < until_ns)) {
        r = sd_bus_process(connection->bus, NULL);
        connection->was_open |= sd_bus_is_ready(connection->bus) > 0;
        if (r == 0) {
            PldPoll sleep = pld_connection_prepare_sleep(connection, end->wake_fd, until_ns);
            pld_poll_sleep(&sleep);
        }
    }
    return r;
}

/* A service that leaves the bus may never reply; nor is it known to whom the bus sent the calls. */
static bool
has_replies(const PldConnection *connection)
{
    return connection->pending_replies == 0 || connection->owner_left;
}

static bool
has_changed(const PldConnection *connection)
{
    return connection->changed;
}

/* until_ns: as for process_until(). */
static LONG
read_service(PldConnection *connection, const PldWaitEnd *end, long long until_ns)
{
    int r = send_first_calls(connection);

    if (r >= 0)
        r = process_until(connection, has_replies, end, until_ns);
    bool failed = r < 0 || connection->pending_replies > 0 || connection->owner_left;
    LONG code = failed ? SCARD_E_NO_SERVICE : connection->code;
    drop_first_calls(connection);
    connection->lost |= r < 0;
    return code;
}

void
pld_connection_close(PldConnection *connection)
{
    connection->lost = true;
    drop_first_calls(connection);
    if (connection->bus) {
        sd_bus_flush(connection->bus);
        shutdown(connection->fd, SHUT_RDWR); /* a child may have the descriptor, too */
    }
    connection->fd = -1;
    connection->bus = sd_bus_close_unref(connection->bus);
    pld_readers_clear(&connection->readers);
    forget_service(connection);
}

bool
pld_connection_is_detached(const PldConnection *connection)
{
    return !connection->service;
}

/* Returns false if it makes no sense to try it once more. */
static bool
try_to_attach(PldConnection *connection, const PldWaitEnd *end, LONG *code)
{
    *code = read_service(connection, end, pld_now_ns() + START_MS * PLD_NSEC_PER_MSEC);
    if (*code == SCARD_S_SUCCESS || connection->lost)
        return false;
    if (*code == SCARD_E_NO_MEMORY) /* a limit of a service that stays */
        return false;
    if (connection->service && !connection->without_pcscd) { /* and not usable */
        connection->lost = true;
        return false;
    }
    int r = process_until(connection, has_changed, end,
                          connection->changed_ns + RESTART_MS * PLD_NSEC_PER_MSEC);
    connection->lost |= r < 0;
    connection->without_pcscd = false;
    forget_service(connection);
    return connection->changed;
}

LONG
pld_connection_attach(PldConnection *connection, const PldWaitEnd *end)
{
    LONG code = SCARD_E_NO_SERVICE;

    for (unsigned i = 0; i < ATTEMPTS_MAX && !connection->lost; i++)
        if (!try_to_attach(connection, end, &code))
            break;
    return connection->lost ? SCARD_E_NO_SERVICE : code;
}

/* Waits for the next service if the present one is stopping, but not if there is none. */
static LONG
open_by(PldConnection *connection, const PldConnectionCallbacks *callbacks,
        int (*open_bus)(sd_bus **bus))
{
    const PldWaitEnd never = {.wake_fd = -1};

    *connection = (PldConnection){.fd = -1, .callbacks = *callbacks};
    if (connect_to_bus(connection, open_bus) < 0)
        return SCARD_E_NO_SERVICE;
    LONG code = read_service(connection, &never, -1);
    if (!connection->owner_left && !connection->stopping)
        return code;
    connection->changed_ns = pld_now_ns();
    return pld_connection_attach(connection, &never);
}

LONG
pld_connection_open(PldConnection *connection, const PldConnectionCallbacks *callbacks)
{
    LONG code = open_by(connection, callbacks, sd_bus_open_system);

    /* A proxy may not have understood sd-bus. */
    if (connection->was_open || !connection->bus)
        return code;
    pld_connection_close(connection);
    return open_by(connection, callbacks, pld_handshake_open_system);
}

void
pld_connection_process(PldConnection *connection)
{
    int r = 1;

    while (r > 0 && !connection->lost)
        r = sd_bus_process(connection->bus, NULL);
    if (r < 0)
        connection->lost = true;
}
