/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What messages of the service tell about an object of its tree. Anything that
 * is not as the contract has it is an error; what we do not need is passed over.
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

/* Strings live as long as the message. What the message does not tell stays as it was. */
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

    bool says_unavailable; /* pcscd has gone, says the manager */
} PldObjectProperties;

/* Both give 0, or a negative errno. The first reads an interface name and its properties. */
int pld_object_properties_read_properties(PldObjectProperties *properties, sd_bus_message *message,
                                          const char *interface);
int pld_object_properties_read_interfaces(PldObjectProperties *properties, sd_bus_message *message);
