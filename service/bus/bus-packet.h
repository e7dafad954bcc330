/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A message that is sent without GDBus, or several at once. Its bytes are wiped when it is freed.
 */

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "base/dbus-message.h"

typedef struct {
    GByteArray *bytes;
    GBytes *body;             /* follows the bytes; or NULL */
    gsize sent;               /* of both */
    GUnixFDList *descriptors; /* or NULL */
    char *destination;        /* of a reply: the charge of its call ends when it begins; or NULL */
    guint32 reply_serial;
    gboolean succeeded; /* the reply is no error */
} ScdBusPacket;

/* Appends the bytes of a message to another one, if both are nothing but bytes, and none of them
 * was sent. Returns FALSE if not. */
gboolean scd_bus_packet_append(ScdBusPacket *packet, const ScdBusPacket *next);

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
