/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Connects to the system bus one step after the other. sd-bus sends all of its authentication at
 * once, and the first message with it; xdg-dbus-proxy, through which an application in a Flatpak
 * sandbox reaches the bus, takes the answers to that for messages, and hangs up.
 */

#include <systemd/sd-bus.h>

/*
 * Sets *bus to a connection that is authenticated already. Blocks until the bus has answered.
 * Returns a negative errno on failure, -EPROTONOSUPPORT if the address of the bus is not the path
 * of a socket.
 */
int pld_handshake_open_system(sd_bus **bus);
