/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The byte stream between GDBus and the message bus, with the gate in it.
 *
 * GDBus reads and parses each message whole before it calls a filter, so one
 * message of 32 MiB, the most that the bus forwards, may cost it 2 GiB. This
 * stream reads the socket instead: it lets GDBus have the messages that the gate
 * admits, byte for byte, and discards the others, replying with an error where
 * the sender waits for one. File descriptors that come with a message are closed
 * by the kernel. The other way, it ends the charge of each call whose reply is
 * written, and replaces replies that are longer than a bus message may be:
 * sending one of those would make the bus disconnect the service.
 *
 * GDBus writes no file descriptors to a stream that is no socket; messages with
 * descriptors are sent by scd_bus_stream_reply().
 *
 * Input and output run in GDBus's thread.
 */

#include <gio/gio.h>

#include "bus/bus-output.h"
#include "bus/gate.h"

#define SCD_TYPE_BUS_STREAM (scd_bus_stream_get_type())
G_DECLARE_FINAL_TYPE(ScdBusStream, scd_bus_stream, SCD, BUS_STREAM, GIOStream)

/*
 * Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS, or where it is by
 * default) with the gate in between. Calls back in the main thread.
 */
void scd_bus_connect_async(ScdGate *gate, GAsyncReadyCallback callback, gpointer data);

/* NULL with an error when the bus cannot be reached or refuses the service. */
GDBusConnection *scd_bus_connect_finish(GAsyncResult *result, GError **error);

/* The stream of a connection that scd_bus_connect_finish() returned; owned by it. */
ScdBusStream *scd_bus_get_stream(GDBusConnection *bus);

/* scd_bus_output_on_unknown_object() of the connection's output. */
void scd_bus_on_unknown_object(GDBusConnection *bus, ScdBusExplainFunc func, gpointer data);

/*
 * Sends a reply with file descriptors, in place of GDBus, and ends the charge of
 * its call. The stream sets the serial. Never blocks; from any thread. FALSE
 * when the message cannot be encoded, or when too many of them wait to be sent.
 */
gboolean scd_bus_stream_reply(ScdBusStream *stream, GDBusMessage *reply, GError **error);
