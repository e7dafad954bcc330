/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The packets of a channel (Session.OpenChannel), on a SOCK_SEQPACKET socket.
 * All numbers are little-endian.
 *
 * A request has a header of 12 bytes, and then the data of the operation:
 *
 *     0  operation       1 byte, ScdFrameOperation
 *     1  version         1 byte, SCD_FRAME_VERSION
 *     2  reserved        2 bytes, zero
 *     4  argument        4 bytes, see the operation
 *     8  time limit      4 bytes, milliseconds from when the service reads the packet;
 *                        0: do not wait; 0xFFFFFFFF: none
 *
 * An answer has a header of 8 bytes in all versions, and then the result of the operation:
 *
 *     0  code            4 bytes, PC/SC's: 0 for success
 *     4  value           4 bytes, see the operation; else zero
 *
 * Answers come in the order of the requests; each request has one, but for
 * SCD_FRAME_CANCEL, which has none. A request that has not reached the card when
 * its time limit expires fails with SCARD_E_TIMEOUT, and is never sent. One that the
 * card is executing then is answered with its result.
 *
 * Version 1 had no time limit, a header of 8 bytes, and 0 instead of the version. A
 * request of another version is answered with SCARD_E_SERVICE_STOPPED, and the service
 * closes the channel: its bytes could be taken for a different command.
 *
 * The service reads a packet only while fewer than SCD_FRAME_REQUESTS_MAX requests
 * have no answer, and while the client reads its answers. So a client that may
 * want to cancel sends at most SCD_FRAME_REQUESTS_MAX - 1 requests in advance.
 *
 * No dependency: the service and the PC/SC library over the bus include this file.
 */

#define SCD_FRAME_VERSION 2
#define SCD_FRAME_REQUEST_HEADER 12
#define SCD_FRAME_ANSWER_HEADER 8
#define SCD_FRAME_REQUESTS_MAX 32
#define SCD_FRAME_NO_LIMIT 0xFFFFFFFFu
#define SCD_FRAME_NO_PROTOCOL 0xFFFFFFFFu

typedef enum {
    /* a command APDU → the response; argument: the protocol that the command's header names, 0 for
     * that of the session. The value of an answer to one that names it is the protocol of the
     * response's header, SCD_FRAME_NO_PROTOCOL when the driver named none */
    SCD_FRAME_TRANSMIT = 0,
    SCD_FRAME_CONTROL = 1,       /* argument: control code; data → data */
    SCD_FRAME_GET_ATTRIBUTE = 2, /* argument: attribute id; nothing → the value */
    /* argument 0, nothing → nothing, when the card is ours. The value of the answer is 1 if others
     * have used the card (Session.BeginTransaction) */
    SCD_FRAME_BEGIN = 3,
    SCD_FRAME_END = 4, /* argument: disposition 0 to 3; nothing → nothing */
    /* argument 0, time limit SCD_FRAME_NO_LIMIT, nothing; no answer. All requests of the channel
     * before this one that are not on the card yet are answered with SCARD_E_CANCELLED; the one
     * that is on the card goes on, and is answered when it is done */
    SCD_FRAME_CANCEL = 5,
} ScdFrameOperation;
