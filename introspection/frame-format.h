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
 *     4  protocol        4 bytes, see the operation; else zero
 *
 * No dependency: the service and the PC/SC library over the bus read it.
 */

#define SCD_FRAME_HEADER 8
#define SCD_FRAME_NO_PROTOCOL 0xFFFFFFFFu

typedef enum {
    /* a command APDU → the response; argument: the protocol that the command's header names, 0 for
     * that of the session. An answer to one that names it has the protocol of the response's
     * header, SCD_FRAME_NO_PROTOCOL when the driver named none */
    SCD_FRAME_TRANSMIT = 0,
    SCD_FRAME_CONTROL = 1,       /* argument: control code; data → data */
    SCD_FRAME_GET_ATTRIBUTE = 2, /* argument: attribute id; nothing → the value */
    SCD_FRAME_BEGIN = 3,         /* argument 0, nothing → nothing, when the card is ours */
    SCD_FRAME_END = 4,           /* argument: disposition 0 to 3; nothing → nothing */
} ScdFrameOperation;
