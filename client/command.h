/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The APDUs of a SmartcarddCommand. Its data may contain a PIN, so it is not copied: an APDU points
 * into it.
 */

#include "request.h"
#include "smartcardd-command.h"

#define SMARTCARDD_SHORT_DATA_MAX 255

/* One APDU, which may be a part of a chain. It must not outlive its command. */
typedef struct {
    guint8 head[7]; /* class, instruction, P1, P2, and Lc */
    gsize head_length;
    const guint8 *data;
    gsize data_length;
    guint8 tail[3]; /* Le */
    gsize tail_length;
} SmartcarddApdu;

/* Returns whether the data, or the expected length, is too long for a short APDU. */
gboolean smartcardd_command_is_long(SmartcarddCommand *command);

/*
 * Sets apdu for the data from offset on: all of it in extended form, else at most 255 bytes. If
 * data remains, the class byte has the bit of command chaining. Returns the offset of the remaining
 * data.
 */
gsize smartcardd_command_write(SmartcarddCommand *command, gboolean extended, gsize offset,
                               SmartcarddApdu *apdu);

/* Adds the bytes of the APDU to the parts of the request. The APDU must outlive the request. */
void smartcardd_apdu_add_to(const SmartcarddApdu *apdu, SmartcarddRequest *request);
