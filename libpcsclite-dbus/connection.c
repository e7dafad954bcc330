/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error-table.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

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

static int
handle_owner_changed(PldConnection *connection, sd_bus_message *message)
{
    const char *name, *before, *after;
    int r = sd_bus_message_read(message, "sss", &name, &before, &after);

    if (r >= 0 && strcmp(name, PLD_NAME) == 0 && strcmp(before, connection->service) == 0)
        connection->lost = true;
    return r;
}

static int
handle_interfaces_added(PldConnection *connection, sd_bus_message *message)
{
    PldObjectProperties properties = {0};
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        r = pld_object_properties_read_interfaces(&properties, message);
    if (r >= 0 && !pld_readers_add(&connection->readers, path, &properties))
        connection->lost = true;
    return r;
}

static int
handle_interfaces_removed(PldConnection *connection, sd_bus_message *message)
{
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        pld_readers_remove(&connection->readers, path);
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
    pld_readers_update(&connection->readers, sd_bus_message_get_path(message), &properties);
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

    if (!sender || !connection->service)
        return 0;
    if (strcmp(sender, BUS_NAME) == 0) {
        if (sd_bus_message_is_signal(message, BUS_NAME, "NameOwnerChanged") > 0)
            handle_owner_changed(connection, message);
        return 0;
    }
    if (strcmp(sender, connection->service) != 0)
        return 0;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sd_bus_message_is_signal(message, signals[i].interface, signals[i].member) > 0)
            signals[i].handle(connection, message);
    return 0;
}

static int
read_objects(PldConnection *connection, sd_bus_message *message)
{
    const char *path;
    int r = sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}")) > 0) {
        PldObjectProperties properties = {0};
        r = sd_bus_message_read(message, "o", &path);
        if (r >= 0)
            r = pld_object_properties_read_interfaces(&properties, message);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
        if (!pld_readers_add(&connection->readers, path, &properties))
            return -ENOMEM;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
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
        connection->code = pld_bus_error_code(sd_bus_message_get_error(message));
        return 0;
    }
    connection->service = sender ? strdup(sender) : NULL;
    if (!connection->service || read_objects(connection, message) < 0)
        connection->code = SCARD_F_COMM_ERROR;
    return 0;
}

static int
handle_available_reply(sd_bus_message *message, void *data, sd_bus_error *error)
{
    PldConnection *connection = data;
    int available = 0;

    connection->pending_replies--;
    if (sd_bus_message_is_method_error(message, NULL) > 0 ||
        sd_bus_message_read(message, "v", "b", &available) < 0 || !available)
        connection->code = SCARD_E_NO_SERVICE;
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

static int
send_first_calls(PldConnection *connection)
{
    int r = sd_bus_open_system(&connection->bus);

    if (r < 0)
        return r;
    connection->fd = sd_bus_get_fd(connection->bus);
    r = sd_bus_set_allow_interactive_authorization(connection->bus, has_interactive_user());
    if (r >= 0)
        r = sd_bus_add_filter(connection->bus, NULL, handle_message, connection);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && r >= 0; i++)
        r = add_match(connection, rules[i]);
    if (r >= 0)
        r = sd_bus_call_method_async(connection->bus, NULL, PLD_NAME, PLD_ROOT, OBJECT_MANAGER,
                                     "GetManagedObjects", handle_objects_reply, connection, NULL);
    if (r >= 0)
        r = sd_bus_call_method_async(connection->bus, NULL, PLD_NAME, PLD_ROOT, PROPERTIES, "Get",
                                     handle_available_reply, connection, "ss", PLD_MANAGER,
                                     "Available");
    return r;
}

LONG
pld_connection_open(PldConnection *connection, const PldConnectionCallbacks *callbacks)
{
    *connection = (PldConnection){.fd = -1, .pending_replies = 2, .callbacks = *callbacks};
    int r = send_first_calls(connection);

    while (r >= 0 && connection->pending_replies > 0) {
        r = sd_bus_process(connection->bus, NULL);
        if (r == 0)
            r = sd_bus_wait(connection->bus, UINT64_MAX);
    }
    return r < 0 ? SCARD_E_NO_SERVICE : connection->code;
}

void
pld_connection_close(PldConnection *connection)
{
    connection->lost = true;
    connection->fd = -1;
    connection->bus = sd_bus_flush_close_unref(connection->bus);
    pld_readers_clear(&connection->readers);
    free(connection->service);
    connection->service = NULL;
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
