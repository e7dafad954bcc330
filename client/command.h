/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bytes of a SmartcarddCommand, which may contain a PIN: nothing is copied but a few bytes. */

#include "request.h"
#include "smartcardd-command.h"

#define SMARTCARDD_SHORT_DATA_MAX 255

/* One APDU, or one part of a chain. data points into the command. To be wiped by its owner. */
typedef struct {
    guint8 head[7]; /* class, instruction, P1, P2, and Lc */
    gsize head_length;
    const guint8 *data;
    gsize data_length;
    guint8 tail[3]; /* Le */
    gsize tail_length;
} SmartcarddApdu;

/* Whether the command has more data, or expects more, than a short APDU can have. */
gboolean smartcardd_command_is_long(SmartcarddCommand *command);

/*
 * Writes the APDU for the data from offset on. In extended form for all data, else for at most 255
 * bytes; if there is more, the class says that the chain continues. Returns the offset of the rest.
 */
gsize smartcardd_command_write(SmartcarddCommand *command, gboolean extended, gsize offset,
                               SmartcarddApdu *apdu);

/* Has a request send the APDU, which must outlive it. */
void smartcardd_apdu_add_to(const SmartcarddApdu *apdu, SmartcarddRequest *request);
