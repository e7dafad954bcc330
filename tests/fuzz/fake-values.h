/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the hostile service sends: results of methods, arguments of signals, and any other values.
 */

#include <systemd/sd-bus.h>

#include "fuzz.h"

#define SCD_FAKE_ROOT "/org/smartcardd1"
#define SCD_FAKE_READER SCD_FAKE_ROOT "/readers/Fake"
#define SCD_FAKE_CARD SCD_FAKE_ROOT "/cards/1"
#define SCD_FAKE_SESSION SCD_FAKE_ROOT "/sessions/1"

/* All functions that append to a message return a negative errno on failure. */

/* Appends the result of a method of the contract; nothing for a method that has none. */
int scd_fake_append_result(sd_bus_message *message, ScdFuzzInput *input, const char *method);

/* Appends up to three values of any types. */
int scd_fake_append_any_values(sd_bus_message *message, ScdFuzzInput *input);

typedef struct {
    const char *interface;
    const char *member;
    int (*append)(sd_bus_message *message, ScdFuzzInput *input);
} ScdFakeSignal;

#define SCD_FAKE_SIGNALS 4
#define SCD_FAKE_INTERFACES_REMOVED 2

/* kind: less than SCD_FAKE_SIGNALS, such as the one above. */
const ScdFakeSignal *scd_fake_signal(guint kind);
