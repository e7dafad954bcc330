/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "facts.h"

#include <string.h>

static int
read_u32(sd_bus_message *message, uint32_t *number, bool *told)
{
    int r = sd_bus_message_read(message, "v", "u", number);

    *told = r > 0;
    return r;
}

static int
read_atr(sd_bus_message *message, ScdFacts *facts)
{
    const void *bytes;
    size_t length;
    int r = sd_bus_message_enter_container(message, 'v', "ay");

    if (r > 0)
        r = sd_bus_message_read_array(message, 'y', &bytes, &length);
    if (r < 0)
        return r;
    facts->atr_length = length < MAX_ATR_SIZE ? length : MAX_ATR_SIZE;
    if (facts->atr_length > 0)
        memcpy(facts->atr, bytes, facts->atr_length);
    return sd_bus_message_exit_container(message);
}

static int
read_available(sd_bus_message *message, ScdFacts *facts)
{
    int available = 1;
    int r = sd_bus_message_read(message, "v", "b", &available);

    facts->says_unavailable = !available;
    return r;
}

static int
read_value(ScdFacts *facts, sd_bus_message *message, const char *interface, const char *name)
{
    if (strcmp(interface, SCD_READER) == 0) {
        if (strcmp(name, "Name") == 0)
            return sd_bus_message_read(message, "v", "s", &facts->name);
        if (strcmp(name, "State") == 0)
            return read_u32(message, &facts->state, &facts->has_state);
        if (strcmp(name, "EventCount") == 0)
            return read_u32(message, &facts->event_count, &facts->has_event_count);
    } else if (strcmp(interface, SCD_CARD) == 0) {
        if (strcmp(name, "Reader") == 0)
            return sd_bus_message_read(message, "v", "o", &facts->reader);
        if (strcmp(name, "Atr") == 0)
            return read_atr(message, facts);
    } else if (strcmp(interface, SCD_MANAGER) == 0 && strcmp(name, "Available") == 0) {
        return read_available(message, facts);
    }
    return sd_bus_message_skip(message, "v");
}

int
scd_facts_read_properties(ScdFacts *facts, sd_bus_message *message, const char *interface)
{
    const char *name;
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    facts->is_reader |= strcmp(interface, SCD_READER) == 0;
    facts->is_card |= strcmp(interface, SCD_CARD) == 0;
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = sd_bus_message_read(message, "s", &name);
        if (r >= 0)
            r = read_value(facts, message, interface, name);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

int
scd_facts_read_interfaces(ScdFacts *facts, sd_bus_message *message)
{
    const char *interface;
    int r = sd_bus_message_enter_container(message, 'a', "{sa{sv}}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sa{sv}")) > 0) {
        r = sd_bus_message_read(message, "s", &interface);
        if (r >= 0)
            r = scd_facts_read_properties(facts, message, interface);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}
