/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any packet on a channel: accepted requests conform to the format. */

#include "pcsc/channel.h"

#include <string.h>

#include "fuzz.h"

static gsize
longest_data(ScdFrameOperation operation)
{
    switch (operation) {
    case SCD_FRAME_TRANSMIT:
    case SCD_FRAME_CONTROL:
        return SCD_RESPONSE_MAX;
    case SCD_FRAME_GET_ATTRIBUTE:
    case SCD_FRAME_BEGIN:
    case SCD_FRAME_END:
    case SCD_FRAME_CANCEL:
        return 0;
    }
    g_error("operation %u", (guint)operation);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFrameRequest request;
    guint8 header[SCD_FRAME_ANSWER_HEADER];

    if (scd_frame_has_other_version(data, size))
        g_assert_false(scd_frame_read_request(data, size, &request));
    if (!scd_frame_read_request(data, size, &request))
        return 0;
    g_assert_cmpuint(request.length, <=, longest_data(request.operation));
    g_assert_true(request.data == data + SCD_FRAME_REQUEST_HEADER);
    g_assert_cmpuint(request.length, ==, size - SCD_FRAME_REQUEST_HEADER);

    /* The header has no other content. */
    scd_frame_write_answer(header, request.limit_ms, request.argument);
    g_assert_cmpmem(data + 4, 4, header + 4, 4);
    g_assert_cmpmem(data + 8, 4, header, 4);
    const guint8 start[] = {request.operation, SCD_FRAME_VERSION, 0, 0};
    g_assert_cmpmem(data, sizeof start, start, sizeof start);
    return 0;
}
