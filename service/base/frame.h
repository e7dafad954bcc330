/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The packets of a channel (Session.OpenChannel), on a SOCK_SEQPACKET socket.
 * All numbers are little-endian.
 *
 * A request is 8 bytes, and then what the operation takes:
 *
 *     0  operation       1 byte, ScdFrameOperation
 *     1  reserved        3 bytes, zero
 *     4  argument        4 bytes, see the operation
 *
 * An answer is 8 bytes, and then what the operation gives:
 *
 *     0  code            4 bytes, PC/SC's: 0 for success
 *     4  reserved        4 bytes, zero
 */

#include <glib.h>

#include "base/apdu.h"

#define SCD_FRAME_HEADER 8
#define SCD_FRAME_MAX (SCD_FRAME_HEADER + SCD_RESPONSE_MAX)

typedef enum {
    SCD_FRAME_TRANSMIT = 0,      /* a command APDU, 1 byte at least → the response */
    SCD_FRAME_CONTROL = 1,       /* argument: control code; data → data */
    SCD_FRAME_GET_ATTRIBUTE = 2, /* argument: attribute id; nothing → the value */
    SCD_FRAME_BEGIN = 3,         /* argument 0, nothing → nothing, when the card is ours */
    SCD_FRAME_END = 4,           /* argument: disposition 0 to 3; nothing → nothing */
} ScdFrameOperation;

typedef struct {
    ScdFrameOperation operation;
    guint32 argument;
    const guint8 *data; /* in the packet */
    gsize length;
} ScdFrameRequest;

/* FALSE for a packet that is no request: the other end does not speak this protocol. */
gboolean scd_frame_read_request(const guint8 *packet, gsize length, ScdFrameRequest *request);

/* Writes the SCD_FRAME_HEADER bytes before an answer. */
void scd_frame_write_answer(guint8 *header, guint32 code);
