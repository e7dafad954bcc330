/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads the properties of a D-Bus object from a message of the service. A property of the wrong
 * type is an error; properties that the library does not use are skipped.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "pcsc.h"

#define PLD_NAME "org.smartcardd1"
#define PLD_ROOT "/org/smartcardd1"
#define PLD_MANAGER PLD_NAME ".Manager"
#define PLD_READER PLD_NAME ".Reader"
#define PLD_CARD PLD_NAME ".Card"
#define PLD_SESSION PLD_NAME ".Session"

/* Strings are owned by the message. Members without a property in the message stay unchanged. */
typedef struct {
    bool is_reader;
    const char *name;
    uint32_t state; /* SCARD_STATE_* */
    bool has_state;
    uint32_t event_count;
    bool has_event_count;

    bool is_card;
    const char *reader; /* object path */
    uint8_t atr[MAX_ATR_SIZE];
    size_t atr_length;

    bool unavailable; /* Manager.Available is false: pcscd is not running */
} PldObjectProperties;

/*
 * Both return a negative errno on failure. The first one reads the properties of one interface,
 * a{sv}, the second one those of all interfaces of an object, a{sa{sv}}.
 */
int pld_object_properties_read_properties(PldObjectProperties *properties, sd_bus_message *message,
                                          const char *interface);
int pld_object_properties_read_interfaces(PldObjectProperties *properties, sd_bus_message *message);
