/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Connects to the system bus, and waits for the answer to each step of the authentication. sd-bus
 * sends all steps and the first message at once. xdg-dbus-proxy, through which an application in a
 * Flatpak sandbox reaches the bus, does not support that: it parses the answers as messages, and
 * closes the connection.
 */

#include <systemd/sd-bus.h>

/*
 * Sets *bus to a connection that is authenticated already. Blocks until the bus has answered.
 * Returns a negative errno on failure, -EPROTONOSUPPORT if the address of the bus is not the path
 * of a socket.
 */
int pld_handshake_open_system(sd_bus **bus);
