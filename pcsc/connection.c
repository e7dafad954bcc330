/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

#define FROM_SERVICE "type='signal',sender='" SCD_NAME "',"

/* What we want to hear of. Sessions tell their owner alone, without being asked. */
static const char *const rules[] = {
    "type='signal',sender='" BUS_NAME "',interface='" BUS_NAME
    "',member='NameOwnerChanged',arg0='" SCD_NAME "'",
    FROM_SERVICE "interface='" OBJECT_MANAGER "'",
    FROM_SERVICE "interface='" PROPERTIES "',path_namespace='" SCD_ROOT "'",
};

static int
owner_changed(ScdConnection *connection, sd_bus_message *message)
{
    const char *name, *before, *after;
    int r = sd_bus_message_read(message, "sss", &name, &before, &after);

    if (r >= 0 && strcmp(name, SCD_NAME) == 0 && strcmp(before, connection->service) == 0)
        connection->lost = true;
    return r;
}

static int
interfaces_added(ScdConnection *connection, sd_bus_message *message)
{
    ScdFacts facts = {0};
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        r = scd_facts_read_interfaces(&facts, message);
    if (r >= 0 && !scd_readers_add(&connection->readers, path, &facts))
        connection->lost = true;
    return r;
}

static int
interfaces_removed(ScdConnection *connection, sd_bus_message *message)
{
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        scd_readers_remove(&connection->readers, path);
    return r;
}

static int
properties_changed(ScdConnection *connection, sd_bus_message *message)
{
    ScdFacts facts = {0};
    const char *interface;
    int r = sd_bus_message_read(message, "s", &interface);

    if (r >= 0)
        r = scd_facts_read_properties(&facts, message, interface);
    if (r < 0)
        return r;
    scd_readers_update(&connection->readers, sd_bus_message_get_path(message), &facts);
    connection->lost |= facts.says_unavailable;
    return r;
}

static int
session_closed(ScdConnection *connection, sd_bus_message *message)
{
    const char *reason;
    int r = sd_bus_message_read(message, "s", &reason);

    if (r >= 0)
        connection->owner.session_closed(sd_bus_message_get_path(message), reason,
                                         connection->owner.data);
    return r;
}

static const struct {
    const char *interface;
    const char *member;
    int (*take)(ScdConnection *connection, sd_bus_message *message);
} signals[] = {
    {PROPERTIES, "PropertiesChanged", properties_changed},
    {OBJECT_MANAGER, "InterfacesAdded", interfaces_added},
    {OBJECT_MANAGER, "InterfacesRemoved", interfaces_removed},
    {SCD_SESSION, "Closed", session_closed},
};

/* Anybody on the bus may send us signals. One that is not as it should be is passed over. */
static int
take_message(sd_bus_message *message, void *data, sd_bus_error *error)
{
    ScdConnection *connection = data;
    const char *sender = sd_bus_message_get_sender(message);

    if (!sender || !connection->service)
        return 0;
    if (strcmp(sender, BUS_NAME) == 0) {
        if (sd_bus_message_is_signal(message, BUS_NAME, "NameOwnerChanged") > 0)
            owner_changed(connection, message);
        return 0;
    }
    if (strcmp(sender, connection->service) != 0)
        return 0;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sd_bus_message_is_signal(message, signals[i].interface, signals[i].member) > 0)
            signals[i].take(connection, message);
    return 0;
}

static int
read_objects(ScdConnection *connection, sd_bus_message *message)
{
    const char *path;
    int r = sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}")) > 0) {
        ScdFacts facts = {0};
        r = sd_bus_message_read(message, "o", &path);
        if (r >= 0)
            r = scd_facts_read_interfaces(&facts, message);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
        if (!scd_readers_add(&connection->readers, path, &facts))
            return -ENOMEM;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Answers are taken in their order with signals: what came before is in the answer. */
static int
take_objects(sd_bus_message *message, void *data, sd_bus_error *error)
{
    ScdConnection *connection = data;
    const char *sender = sd_bus_message_get_sender(message);

    connection->unanswered--;
    if (sd_bus_message_is_method_error(message, NULL) > 0) {
        connection->code = scd_code_of_error(sd_bus_message_get_error(message));
        return 0;
    }
    connection->service = sender ? strdup(sender) : NULL;
    if (!connection->service || read_objects(connection, message) < 0)
        connection->code = SCARD_F_COMM_ERROR;
    return 0;
}

static int
take_available(sd_bus_message *message, void *data, sd_bus_error *error)
{
    ScdConnection *connection = data;
    int available = 0;

    connection->unanswered--;
    if (sd_bus_message_is_method_error(message, NULL) > 0 ||
        sd_bus_message_read(message, "v", "b", &available) < 0 || !available)
        connection->code = SCARD_E_NO_SERVICE;
    return 0;
}

static int
ask_to_hear(ScdConnection *connection, const char *rule)
{
    SCD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *call = NULL;
    int r = sd_bus_message_new_method_call(connection->bus, &call, BUS_NAME, BUS_PATH, BUS_NAME,
                                           "AddMatch");

    if (r >= 0)
        r = sd_bus_message_append(call, "s", rule);
    if (r >= 0)
        r = sd_bus_message_set_expect_reply(call, 0);
    return r < 0 ? r : sd_bus_send(connection->bus, call, NULL);
}

/* polkit may ask the user, where there is one to be asked. */
static bool
has_user(void)
{
    return isatty(STDIN_FILENO) || isatty(STDERR_FILENO) || getenv("DISPLAY") ||
           getenv("WAYLAND_DISPLAY");
}

static int
start(ScdConnection *connection)
{
    int r = sd_bus_open_system(&connection->bus);

    if (r < 0)
        return r;
    connection->fd = sd_bus_get_fd(connection->bus);
    r = sd_bus_set_allow_interactive_authorization(connection->bus, has_user());
    if (r >= 0)
        r = sd_bus_add_filter(connection->bus, NULL, take_message, connection);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && r >= 0; i++)
        r = ask_to_hear(connection, rules[i]);
    if (r >= 0)
        r = sd_bus_call_method_async(connection->bus, NULL, SCD_NAME, SCD_ROOT, OBJECT_MANAGER,
                                     "GetManagedObjects", take_objects, connection, NULL);
    if (r >= 0)
        r = sd_bus_call_method_async(connection->bus, NULL, SCD_NAME, SCD_ROOT, PROPERTIES, "Get",
                                     take_available, connection, "ss", SCD_MANAGER, "Available");
    return r;
}

LONG
scd_connection_open(ScdConnection *connection, const ScdConnectionOwner *owner)
{
    *connection = (ScdConnection){.fd = -1, .unanswered = 2, .owner = *owner};
    int r = start(connection);

    while (r >= 0 && connection->unanswered > 0) {
        r = sd_bus_process(connection->bus, NULL);
        if (r == 0)
            r = sd_bus_wait(connection->bus, UINT64_MAX);
    }
    return r < 0 ? SCARD_E_NO_SERVICE : connection->code;
}

void
scd_connection_close(ScdConnection *connection)
{
    connection->lost = true;
    connection->fd = -1;
    connection->bus = sd_bus_flush_close_unref(connection->bus);
    scd_readers_clear(&connection->readers);
    free(connection->service);
    connection->service = NULL;
}

void
scd_connection_follow(ScdConnection *connection)
{
    int r = 1;

    while (r > 0 && !connection->lost)
        r = sd_bus_process(connection->bus, NULL);
    if (r < 0)
        connection->lost = true;
}

sd_bus_message *
scd_connection_new_call(ScdConnection *connection, const char *path, const char *interface,
                        const char *method)
{
    sd_bus_message *call = NULL;

    if (connection->lost || sd_bus_message_new_method_call(connection->bus, &call, SCD_NAME, path,
                                                           interface, method) < 0)
        return NULL;
    return call;
}

LONG
scd_connection_call(ScdConnection *connection, sd_bus_message *call, sd_bus_message **reply)
{
    SCD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *owned = call;
    SCD_CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

    if (connection->lost || !owned)
        return SCARD_E_NO_SERVICE;
    if (sd_bus_call(connection->bus, owned, UINT64_MAX, &error, reply) >= 0)
        return SCARD_S_SUCCESS;
    if (sd_bus_is_open(connection->bus) <= 0)
        connection->lost = true;
    return scd_code_of_error(&error);
}
