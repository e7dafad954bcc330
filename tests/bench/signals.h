/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The signals of an insertion without the service: what the bus alone takes for them. */

#include <systemd/sd-bus.h>

/* Sends as many signals as the service does, each of about the same size. last: the member of the
 * last one. */
void send_signals(sd_bus *bus, const char *last);
