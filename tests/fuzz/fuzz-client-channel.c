/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any packets from the service on a channel of the client library, in any order with requests,
 * cancellations and time: each request ends once.
 */

#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "fuzz.h"

#define REQUESTS_MAX 64

typedef struct {
    SmartcarddChannel *channel;
    int service;
    GPtrArray *requests;     /* of SmartcarddRequest */
    GPtrArray *cancellables; /* of the requests */
    guint ended;
} ChannelFuzz;

static void
note_end(SmartcarddRequest *request, gpointer data)
{
    ChannelFuzz *fuzz = data;

    g_assert_cmpint(request->state, !=, SMARTCARDD_REQUEST_PENDING);
    fuzz->ended++;
}

static void
submit(ChannelFuzz *fuzz, ScdFuzzInput *input)
{
    static const ScdFrameOperation operations[] = {SCD_FRAME_TRANSMIT, SCD_FRAME_BEGIN,
                                                   SCD_FRAME_END, SCD_FRAME_GET_ATTRIBUTE};
    static const guint8 data[] = {0x00, 0xA4, 0x00, 0x00};
    guint8 choice = scd_fuzz_take_byte(input);

    if (fuzz->requests->len >= REQUESTS_MAX)
        return;
    SmartcarddRequest *request = smartcardd_request_new(operations[choice % 4], 0, G_MAXINT);
    GCancellable *cancellable = g_cancellable_new();
    request->done = note_end;
    request->data = fuzz;
    if (request->operation == SCD_FRAME_TRANSMIT)
        smartcardd_request_add_part(request, data, sizeof data);
    g_ptr_array_add(fuzz->requests, request);
    g_ptr_array_add(fuzz->cancellables, cancellable);
    if (choice & 0x80)
        g_cancellable_cancel(cancellable);
    smartcardd_channel_submit(fuzz->channel, &request, 1, choice & 0x40 ? NULL : cancellable);
}

static void
cancel(ChannelFuzz *fuzz, ScdFuzzInput *input)
{
    guint index = scd_fuzz_take_byte(input);

    if (index < fuzz->cancellables->len)
        g_cancellable_cancel(fuzz->cancellables->pdata[index]);
}

static void
send_packet(ChannelFuzz *fuzz, const guint8 *packet, gsize length)
{
    if (fuzz->service >= 0)
        send(fuzz->service, packet, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
send_answer(ChannelFuzz *fuzz, ScdFuzzInput *input)
{
    static const guint32 codes[] = {0, 0x80100002, 0x8010000A, 0x80100069};
    guint32 code = codes[scd_fuzz_pick(input, G_N_ELEMENTS(codes))];
    const guint32 header[] = {GUINT32_TO_LE(code), GUINT32_TO_LE(scd_fuzz_take_byte(input))};
    g_autoptr(GByteArray) packet = g_byte_array_new();
    gsize length = 0;
    const guint8 *data = code == 0 ? scd_fuzz_take_bytes(input, &length) : NULL;

    g_byte_array_append(packet, (const guint8 *)header, sizeof header);
    if (length > 0)
        g_byte_array_append(packet, data, (guint)length);
    send_packet(fuzz, packet->data, packet->len);
}

static void
do_one(ChannelFuzz *fuzz, ScdFuzzInput *input)
{
    gsize length;

    switch (scd_fuzz_pick(input, 8)) {
    case 0:
    case 1:
        submit(fuzz, input);
        break;
    case 2:
    case 3:
        send_answer(fuzz, input);
        break;
    case 4:
        cancel(fuzz, input);
        break;
    case 5: {
        const guint8 *packet = scd_fuzz_take_bytes(input, &length);
        send_packet(fuzz, packet, length);
        break;
    }
    case 6:
        g_main_context_iteration(NULL, FALSE);
        break;
    default:
        if (scd_fuzz_take_byte(input) != 0 || fuzz->service < 0)
            return;
        close(fuzz->service);
        fuzz->service = -1;
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    ChannelFuzz fuzz = {.requests = g_ptr_array_new(), .cancellables = g_ptr_array_new()};
    int sockets[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), ==, 0);
    fuzz.channel = smartcardd_channel_new(sockets[0]);
    fuzz.service = sockets[1];
    while (input.size > 0)
        do_one(&fuzz, &input);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    smartcardd_channel_close(fuzz.channel);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(fuzz.ended, ==, fuzz.requests->len);
    smartcardd_channel_unref(fuzz.channel);
    if (fuzz.service >= 0)
        close(fuzz.service);
    g_ptr_array_set_free_func(fuzz.cancellables, g_object_unref);
    g_ptr_array_unref(fuzz.cancellables);
    for (guint i = 0; i < fuzz.requests->len; i++)
        smartcardd_request_unref(fuzz.requests->pdata[i]);
    g_ptr_array_unref(fuzz.requests);
    return 0;
}
