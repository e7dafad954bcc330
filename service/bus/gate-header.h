/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The part of the gate (gate.h) that needs no state: which messages it refuses by their headers
 * alone, and how long the body of a call may be.
 */

#include "base/dbus-message.h"

typedef enum {
    SCD_GATE_PASS,
    SCD_GATE_REFUSE, /* reply with the error instead */
    SCD_GATE_DROP,
    SCD_GATE_HOLD, /* the gate keeps the message: see scd_gate_take_held() */
} ScdGateVerdict;

/* The strings are static. */
typedef struct {
    const char *name; /* of the D-Bus error */
    const char *text;
} ScdGateError;

typedef struct {
    const char *method; /* interface and member, without the prefix; NULL: any other method */
    gsize body_max;
    guint percent; /* of the body: the memory for GDBus's copy and for the job's */
} ScdGateBodyLimit;

/* Returns the length in bytes, with the header, of the longest message that any method needs. */
gsize scd_gate_message_max(void);

/*
 * Returns the length in bytes of the longest header of a message of that type that is read: longer
 * messages are dropped. Calls with a long header are refused with an error, for which the names in
 * the header are needed.
 */
gsize scd_gate_header_max(ScdDbusType type);

/* Returns the limit for a call: a static table. */
const ScdGateBodyLimit *scd_gate_find_body_limit(const ScdDbusHeader *header);

/*
 * Checks a message by its header alone, so that the body of a refused message need not be kept.
 * length: of the whole message. SCD_GATE_PASS is not final.
 */
ScdGateVerdict scd_gate_check_header(const ScdDbusHeader *header, gsize length,
                                     ScdGateError *error);

/* Returns about how many KiB the reply to a query of a standard interface has, 0 for other calls.
 */
guint scd_gate_weigh_reply(const ScdDbusHeader *header);

/*
 * Returns whether the call is of a method that uses a card. The successful ones are not counted in
 * the rate of the user, because the card limits it.
 */
gboolean scd_gate_uses_card(const ScdDbusHeader *header);
