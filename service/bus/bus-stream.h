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

#include "bus/bus-output.h"
#include "bus/gate.h"

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

/* The parts of the stream, which owns them. */
ScdBusOutput *scd_bus_stream_output(ScdBusStream *stream);
ScdGate *scd_bus_stream_gate(ScdBusStream *stream);

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
