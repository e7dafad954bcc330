/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What messages of the service tell about an object of its tree. Anything that
 * is not as the contract has it is an error; what we do not need is passed over.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "pcsc.h"

#define SCD_NAME "org.smartcardd1"
#define SCD_ROOT "/org/smartcardd1"
#define SCD_MANAGER SCD_NAME ".Manager"
#define SCD_READER SCD_NAME ".Reader"
#define SCD_CARD SCD_NAME ".Card"
#define SCD_SESSION SCD_NAME ".Session"

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
} ScdFacts;

/* Both give 0, or a negative errno. The first reads an interface name and its properties. */
int scd_facts_read_properties(ScdFacts *facts, sd_bus_message *message, const char *interface);
int scd_facts_read_interfaces(ScdFacts *facts, sd_bus_message *message);
