/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parses and writes the packets of a channel, whose format is in frame-format.h. */

#include <glib.h>

#include "base/apdu.h"
#include "frame-format.h"

/* Bytes of the longest request; no answer is longer. */
#define SCD_FRAME_MAX (SCD_FRAME_REQUEST_HEADER + SCD_RESPONSE_MAX)

typedef struct {
    ScdFrameOperation operation;
    guint32 argument;
    guint32 limit_ms;   /* SCD_FRAME_NO_LIMIT for none */
    const guint8 *data; /* points into the packet */
    gsize length;
} ScdFrameRequest;

/* Returns whether the packet is a request in the format of another version of the service. */
gboolean scd_frame_has_other_version(const guint8 *packet, gsize length);

/* Returns FALSE if the packet is not a request: the peer does not speak this protocol. */
gboolean scd_frame_read_request(const guint8 *packet, gsize length, ScdFrameRequest *request);

/* Writes the SCD_FRAME_ANSWER_HEADER bytes before an answer. value: 0 if the answer has none. */
void scd_frame_write_answer(guint8 *header, guint32 code, guint32 value);
