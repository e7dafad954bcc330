/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The arguments of SCardConnect, SCardReconnect and SCardDisconnect, and the words that stand for
 * them on the bus. The functions that append to a message fit PldMethodCall.append; they return a
 * negative errno on failure.
 */

#include <systemd/sd-bus.h>

#include "pcsc.h"

typedef struct {
    DWORD share_mode;
    DWORD protocols;
    DWORD initialization; /* for SCardReconnect only */
} PldConnectArguments;

/* arguments: a PldConnectArguments. Leaves out protocols that the service does not support. */
int pld_append_connect_arguments(sd_bus_message *call, const void *arguments);
int pld_append_reconnect_arguments(sd_bus_message *call, const void *arguments);

/* disposition: a DWORD. */
int pld_append_disposition(sd_bus_message *call, const void *disposition);

/*
 * Returns the protocol of a connection, SCARD_PROTOCOL_UNDEFINED for an unknown word. A direct
 * connection for SCARD_PROTOCOL_RAW has that protocol in pcsc-lite. The service does not set it,
 * since the protocol is common to all handles of the card.
 */
DWORD pld_parse_active_protocol(const char *word, const PldConnectArguments *arguments);
