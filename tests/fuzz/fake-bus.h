/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A system bus with a hostile service on it, in a thread of the target: a list of choices
 * (ScdFuzzInput) says how it answers each call and each packet, and which signals it sends before.
 * An empty list stands for a service with one reader and one card that answers as the contract
 * says.
 *
 * It never leaves a call without an answer: it rather closes the connection.
 */

#include <glib.h>

/* What the service does when it has sent the readers and no choice is left. */
typedef enum {
    SCD_FAKE_BUS_STAYS,
    SCD_FAKE_BUS_HANGS_UP, /* so that a wait for a card ends */
} ScdFakeBusEnd;

/* Starts the thread, and sets DBUS_SYSTEM_BUS_ADDRESS. For the first call only. */
void scd_fake_bus_start(void);

/* The next connections are answered by these choices, each from the start. Copies the data. */
void scd_fake_bus_set_answers(const guint8 *data, gsize size, ScdFakeBusEnd end);
