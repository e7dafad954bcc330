/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The output half of the stream to the bus (bus-stream.h): writes the bytes of GDBus, and messages
 * that the service sends without GDBus. Supports asynchronous writes only.
 */

#include <gio/gio.h>

#include "bus/bus-packet.h"
#include "bus/gate.h"

/* dbus-daemon's limit for the system bus, without the fields that the bus adds to a header. */
#define SCD_BUS_OUTPUT_MESSAGE_MAX (32 * 1024 * 1024 - 1024)

/* The maximum number of packets that wait when scd_bus_output_send() adds one. */
#define SCD_BUS_OUTPUT_PACKETS_MAX 1024

#define SCD_TYPE_BUS_OUTPUT (scd_bus_output_get_type())
G_DECLARE_FINAL_TYPE(ScdBusOutput, scd_bus_output, SCD, BUS_OUTPUT, GOutputStream)

ScdBusOutput *scd_bus_output_new(GSocket *socket, ScdGate *gate);

/*
 * Sends a message and its descriptors between messages of GDBus, and sets its serial. Does not call
 * the gate. Does not block; from any thread. Fails if the message cannot be encoded, or if too many
 * messages wait to be sent.
 */
gboolean scd_bus_output_send(ScdBusOutput *output, GDBusMessage *message, GError **error);

/*
 * Replies to a call with an error once scd_bus_output_send_refusals() has been called, at the
 * latest when the bus has read all other messages: see bus-packet.h. In GDBus's thread.
 */
void scd_bus_output_refuse(ScdBusOutput *output, const ScdDbusHeader *call,
                           const ScdGateError *reason);
void scd_bus_output_send_refusals(ScdBusOutput *output);

/*
 * Sends encoded messages, between messages of GDBus and after all that were sent in this way
 * before. Takes the packet. A reply, which has a destination, ends the charge of its call when its
 * first byte is sent, and is dropped if the caller wants none. Does not block; from any thread.
 */
void scd_bus_output_send_packet(ScdBusOutput *output, ScdBusPacket *packet);

/* Between these two calls, packets wait. In the main thread; from any other one, they wait, too. */
void scd_bus_output_hold(ScdBusOutput *output);
void scd_bus_output_release(ScdBusOutput *output);

/* Returns whether the kernel has all packets. From any thread; the main loop is woken when it has.
 */
gboolean scd_bus_output_has_sent_packets(ScdBusOutput *output);

/* Returns a serial number for a message that is encoded. From any thread. */
guint32 scd_bus_output_next_serial(ScdBusOutput *output);

/* Returns whether the bus has much to read before a message that is sent now. In any thread. */
gboolean scd_bus_output_is_behind(ScdBusOutput *output);

/*
 * Called in the main thread when GDBus is about to reply that there is no object at this path, or
 * that it does not have this interface ("(null)" for a call without one): the object may have been
 * removed while the call was on its way. Returns the error to reply with, or NULL for that of
 * GDBus.
 */
typedef GError *(*ScdBusExplainFunc)(const char *path, const char *interface, const char *sender,
                                     gpointer data);

/* In the main thread. func: NULL to let GDBus's errors be sent. */
void scd_bus_output_on_unknown_object(ScdBusOutput *output, ScdBusExplainFunc func, gpointer data);
