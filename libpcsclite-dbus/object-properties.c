/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object-properties.h"

#include <string.h>

static int
read_u32(sd_bus_message *message, uint32_t *number, bool *found)
{
    int r = sd_bus_message_read(message, "v", "u", number);

    *found = r > 0;
    return r;
}

static int
read_atr(sd_bus_message *message, PldObjectProperties *properties)
{
    const void *bytes;
    size_t length;
    int r = sd_bus_message_enter_container(message, 'v', "ay");

    if (r > 0)
        r = sd_bus_message_read_array(message, 'y', &bytes, &length);
    if (r < 0)
        return r;
    properties->atr_length = length < MAX_ATR_SIZE ? length : MAX_ATR_SIZE;
    if (properties->atr_length > 0)
        memcpy(properties->atr, bytes, properties->atr_length);
    return sd_bus_message_exit_container(message);
}

static int
read_available(sd_bus_message *message, PldObjectProperties *properties)
{
    int available = 1;
    int r = sd_bus_message_read(message, "v", "b", &available);

    properties->unavailable = !available;
    return r;
}

static int
read_value(PldObjectProperties *properties, sd_bus_message *message, const char *interface,
           const char *name)
{
    if (strcmp(interface, PLD_READER) == 0) {
        if (strcmp(name, "Name") == 0)
            return sd_bus_message_read(message, "v", "s", &properties->name);
        if (strcmp(name, "State") == 0)
            return read_u32(message, &properties->state, &properties->has_state);
        if (strcmp(name, "EventCount") == 0)
            return read_u32(message, &properties->event_count, &properties->has_event_count);
    } else if (strcmp(interface, PLD_CARD) == 0) {
        if (strcmp(name, "Reader") == 0)
            return sd_bus_message_read(message, "v", "o", &properties->reader);
        if (strcmp(name, "Atr") == 0)
            return read_atr(message, properties);
    } else if (strcmp(interface, PLD_MANAGER) == 0 && strcmp(name, "Available") == 0) {
        return read_available(message, properties);
    }
    return sd_bus_message_skip(message, "v");
}

int
pld_object_properties_read_properties(PldObjectProperties *properties, sd_bus_message *message,
                                      const char *interface)
{
    const char *name;
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    properties->is_reader |= strcmp(interface, PLD_READER) == 0;
    properties->is_card |= strcmp(interface, PLD_CARD) == 0;
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = sd_bus_message_read(message, "s", &name);
        if (r >= 0)
            r = read_value(properties, message, interface, name);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

int
pld_object_properties_read_interfaces(PldObjectProperties *properties, sd_bus_message *message)
{
    const char *interface;
    int r = sd_bus_message_enter_container(message, 'a', "{sa{sv}}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sa{sv}")) > 0) {
        r = sd_bus_message_read(message, "s", &interface);
        if (r >= 0)
            r = pld_object_properties_read_properties(properties, message, interface);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}
