/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The byte stream between GDBus and the message bus, with the gate in it.
 *
 * GDBus reads and parses a message whole before it calls a filter, so one message of 32 MiB, the
 * maximum on the bus, may take 2 GiB. This stream reads the socket instead. It passes the messages
 * that the gate admits to GDBus, byte for byte, and discards the others, with an error as the reply
 * if the sender waits for one. The kernel closes file descriptors that arrive with a message. In
 * the other direction, the stream ends the charge of each call whose reply is written, and shortens
 * the errors of GDBus.
 *
 * GDBus cannot write file descriptors to a stream that is not a socket. Replies with descriptors
 * are sent by scd_bus_stream_reply().
 *
 * Input runs in GDBus's thread, and so does the output of its messages. The replies and signals of
 * the service are written by the thread that sends them.
 */

#include <gio/gio.h>

#include "bus/bus-packet.h"
#include "bus/gate.h"

/*
 * The output half of the stream, in bus-output.c: writes the bytes of GDBus, and messages that the
 * service sends without GDBus. Supports asynchronous writes only.
 */

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

/*
 * To be called instead of the release: signals at the end of the queue wait until the next packet
 * is sent, or until a release. Returns whether there are any that wait.
 */
gboolean scd_bus_output_delay(ScdBusOutput *output);

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

/*
 * The input half of the stream, in bus-input.c: receives messages, has the gate decide about each,
 * and lets GDBus read those that it admits. Asynchronous reads only, in one thread.
 *
 * A message is held whole until the gate has decided, and wiped as GDBus reads it. The buffer grows
 * to the longest message that the gate admits and shrinks again; a longer one is discarded as it
 * comes.
 */

#define SCD_TYPE_BUS_INPUT (scd_bus_input_get_type())
G_DECLARE_FINAL_TYPE(ScdBusInput, scd_bus_input, SCD, BUS_INPUT, GInputStream)

/* output: for the errors of refused calls. */
ScdBusInput *scd_bus_input_new(GSocket *socket, ScdGate *gate, ScdBusOutput *output);

/* The stream itself. */

#define SCD_TYPE_BUS_STREAM (scd_bus_stream_get_type())
G_DECLARE_FINAL_TYPE(ScdBusStream, scd_bus_stream, SCD, BUS_STREAM, GIOStream)

/*
 * Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS, or its default) through the gate. The
 * callback is called in the main thread.
 */
void scd_bus_connect_async(ScdGate *gate, GAsyncReadyCallback callback, gpointer data);

/* Fails if the bus cannot be reached or refuses the service. */
GDBusConnection *scd_bus_connect_finish(GAsyncResult *result, GError **error);

/* Returns the stream of a connection from scd_bus_connect_finish(), which owns it. */
ScdBusStream *scd_bus_get_stream(GDBusConnection *bus);

/* scd_bus_output_on_unknown_object() of the connection's output. */
void scd_bus_on_unknown_object(GDBusConnection *bus, ScdBusExplainFunc func, gpointer data);

/*
 * Sends a reply with file descriptors without GDBus, sets its serial, and ends the charge of its
 * call. Does not block; from any thread. Fails if the message cannot be encoded, or if too many
 * such messages wait to be sent.
 */
gboolean scd_bus_stream_reply(ScdBusStream *stream, GDBusMessage *reply, GError **error);

/*
 * After scd_bus_hold(), the messages of the service wait; scd_bus_release() sends them together.
 * scd_bus_release_soon() sends signals with the next message, such as the reply to the call that
 * has caused them, or after 10 ms. In the main thread.
 */
void scd_bus_hold(GDBusConnection *bus);
void scd_bus_release(GDBusConnection *bus);
void scd_bus_release_soon(GDBusConnection *bus);

/* The parts of the stream, which owns them. */
ScdBusOutput *scd_bus_stream_output(ScdBusStream *stream);
ScdGate *scd_bus_stream_gate(ScdBusStream *stream);
