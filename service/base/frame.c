/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/frame.h"

#include <string.h>

#include "base/words.h"

/* The shortest header that a request of any version has, in bytes. */
#define SHORTEST_HEADER 8

static guint32
read_number(const guint8 *bytes)
{
    guint32 number;

    memcpy(&number, bytes, sizeof number);
    return GUINT32_FROM_LE(number);
}

gboolean
scd_frame_has_other_version(const guint8 *packet, gsize length)
{
    return length >= SHORTEST_HEADER && packet[0] <= SCD_FRAME_CANCEL &&
           packet[1] != SCD_FRAME_VERSION && packet[2] == 0 && packet[3] == 0;
}

gboolean
scd_frame_read_request(const guint8 *packet, gsize length, ScdFrameRequest *request)
{
    if (length < SCD_FRAME_REQUEST_HEADER || packet[1] != SCD_FRAME_VERSION || packet[2] != 0 ||
        packet[3] != 0)
        return FALSE;
    request->operation = packet[0];
    request->argument = read_number(packet + 4);
    request->limit_ms = read_number(packet + 8);
    request->data = packet + SCD_FRAME_REQUEST_HEADER;
    request->length = length - SCD_FRAME_REQUEST_HEADER;

    switch (request->operation) {
    case SCD_FRAME_TRANSMIT: /* the driver refuses data that is not an APDU */
    case SCD_FRAME_CONTROL:
        return request->length <= SCD_RESPONSE_MAX;
    case SCD_FRAME_GET_ATTRIBUTE:
        return request->length == 0;
    case SCD_FRAME_BEGIN:
        return request->argument == 0 && request->length == 0;
    case SCD_FRAME_END:
        return request->argument <= SCD_DISPOSITION_EJECT && request->length == 0;
    case SCD_FRAME_CANCEL:
        return request->argument == 0 && request->limit_ms == SCD_FRAME_NO_LIMIT &&
               request->length == 0;
    }
    return FALSE;
}

void
scd_frame_write_answer(guint8 *header, guint32 code, guint32 value)
{
    const guint32 numbers[] = {GUINT32_TO_LE(code), GUINT32_TO_LE(value)};

    memcpy(header, numbers, SCD_FRAME_ANSWER_HEADER);
}
