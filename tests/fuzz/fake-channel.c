/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-channel.h"

#include <string.h>
#include <sys/socket.h>

#include "frame-format.h"

#define REQUEST_MAX 66000
#define LONGEST_DATA 65548

static gboolean
send_packet(int socket, const void *packet, gsize length)
{
    return send(socket, packet, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (gssize)length;
}

static gboolean
send_answer(int socket, ScdFuzzInput *input, guint stretch)
{
    static const guint32 codes[] = {0,          0x80100069, 0x80100002, 0x8010000A,
                                    0x80100068, 0x8010000B, 0x8010006A, 0x8010001E};
    guint32 code = codes[scd_fuzz_pick(input, 16) % G_N_ELEMENTS(codes)];
    guint32 value = scd_fuzz_take_byte(input);
    const guint32 header[] = {GUINT32_TO_LE(code), GUINT32_TO_LE(value)};
    gsize length = 0;
    const guint8 *data = code == 0 ? scd_fuzz_take_bytes(input, &length) : NULL;
    g_autofree guint8 *packet = g_malloc0(sizeof header + stretch + length);

    memcpy(packet, header, sizeof header);
    if (length > 0)
        memcpy(packet + sizeof header + stretch, data, length);
    return send_packet(socket, packet, sizeof header + stretch + length);
}

gboolean
scd_fake_channel_answer(int socket, ScdFuzzInput *input)
{
    g_autofree guint8 *request = g_malloc(REQUEST_MAX);
    gssize received = recv(socket, request, REQUEST_MAX, 0);
    gsize length;

    if (received <= 0)
        return FALSE;
    if (request[0] == SCD_FRAME_CANCEL)
        return TRUE;
    switch (scd_fuzz_pick(input, 16)) {
    case 12:
        return FALSE;
    case 13: {
        const guint8 *packet = scd_fuzz_take_bytes(input, &length);
        return length > 0 && send_packet(socket, packet, length);
    }
    case 14:
        return send_answer(socket, input, LONGEST_DATA - scd_fuzz_take_byte(input));
    case 15:
        return send_answer(socket, input, 256u * scd_fuzz_take_byte(input));
    default:
        return send_answer(socket, input, 0);
    }
}
