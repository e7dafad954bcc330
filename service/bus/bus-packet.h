/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A packet is a message that is sent without GDBus, or several at once. Its bytes are wiped when it
 * is freed.
 *
 * Refusals are the errors that refused calls get, which wait until they may be sent.
 */

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "base/dbus-message.h"
#include "bus/gate.h"

typedef struct {
    GByteArray *bytes;
    GBytes *body;             /* follows the bytes; or NULL */
    gsize sent;               /* of both */
    gsize before_reply;       /* the length of the signals before a reply, in the bytes */
    GUnixFDList *descriptors; /* or NULL */
    char *destination;        /* of a reply: the charge of its call ends when it begins; or NULL */
    guint32 reply_serial;
    gboolean succeeded; /* the reply is no error */
} ScdBusPacket;

/*
 * Appends a message, with its body, to signals. Returns FALSE, and does nothing, if the packet has
 * anything else, or if the message has descriptors.
 */
gboolean scd_bus_packet_append(ScdBusPacket *packet, ScdBusPacket *next);

/* Takes the reply out of the packet. Returns FALSE if that leaves nothing. */
gboolean scd_bus_packet_drop_reply(ScdBusPacket *packet);

/* Takes the bytes. The other fields are set by the caller. */
ScdBusPacket *scd_bus_packet_new(GByteArray *bytes);

/*
 * Returns an error that replies to a call. header: the serial, and the fields of an error. The text
 * is cut where errors would be too long, because it may have text that a program has sent.
 */
ScdBusPacket *scd_bus_packet_new_error(const ScdDbusHeader *header, const char *text);
void scd_bus_packet_free(ScdBusPacket *packet);

/*
 * Sends without blocking. Returns FALSE if the socket has no room for the rest, TRUE once all was
 * sent, or if the bus does not take the packet.
 */
gboolean scd_bus_packet_send(ScdBusPacket *packet, GSocket *socket);

/*
 * The bus takes messages from all its connections in turn. So the errors for a flood of calls would
 * delay the replies to other users, behind which they have to wait. Their rate is limited: a
 * program that floods the service receives them late, and beyond a number of them not at all. As
 * dbus-daemon allows 128 calls without a reply, it refuses further calls of such a program itself.
 *
 * Has no lock: the caller has one.
 */

/* The maximum number that waits. */
#define SCD_REFUSALS_MAX 4096

typedef struct ScdRefusals ScdRefusals;

ScdRefusals *scd_refusals_new(void);
void scd_refusals_free(ScdRefusals *refusals);

/* Does nothing if too many wait. reason: its strings are static. */
void scd_refusals_add(ScdRefusals *refusals, const ScdDbusHeader *call, const ScdGateError *reason);

gboolean scd_refusals_is_empty(const ScdRefusals *refusals);

/*
 * Returns the messages that may be sent now, a few, and removes them; NULL if there are none.
 * serial: that of the last message, which it updates. now_us: a monotonic time.
 */
GByteArray *scd_refusals_take(ScdRefusals *refusals, guint32 *serial, gint64 now_us);
