/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls Session.Transmit through GDBus. Errors end the program. */

#include <stddef.h>
#include <stdint.h>

typedef struct GdbusClient GdbusClient;

/* reader: its PC/SC name. */
GdbusClient *gdbus_client_open(const char *reader);
void gdbus_client_close(GdbusClient *client);

void gdbus_client_transmit(GdbusClient *client, const uint8_t *command, size_t length);
