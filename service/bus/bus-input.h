/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The input half of the stream to the bus (bus-stream.h): receives messages, has the gate decide
 * about each, and lets GDBus read those that it admits. Asynchronous reads only, in one thread.
 *
 * A message is held whole until the gate has decided, and wiped as GDBus reads it. The buffer grows
 * to the longest message that the gate admits and shrinks again; a longer one is discarded as it
 * comes.
 */

#include <gio/gio.h>

#include "bus/bus-output.h"
#include "bus/gate.h"

#define SCD_TYPE_BUS_INPUT (scd_bus_input_get_type())
G_DECLARE_FINAL_TYPE(ScdBusInput, scd_bus_input, SCD, BUS_INPUT, GInputStream)

/* output: for the errors of refused calls. */
ScdBusInput *scd_bus_input_new(GSocket *socket, ScdGate *gate, ScdBusOutput *output);
