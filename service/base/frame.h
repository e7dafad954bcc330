/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The packets of a channel: see frame-format.h. */

#include <glib.h>

#include "base/apdu.h"
#include "frame-format.h"

#define SCD_FRAME_MAX (SCD_FRAME_HEADER + SCD_RESPONSE_MAX)

typedef struct {
    ScdFrameOperation operation;
    guint32 argument;
    const guint8 *data; /* in the packet */
    gsize length;
} ScdFrameRequest;

/* FALSE for a packet that is no request: the other end does not speak this protocol. */
gboolean scd_frame_read_request(const guint8 *packet, gsize length, ScdFrameRequest *request);

/* Writes the SCD_FRAME_HEADER bytes before an answer; protocol: 0 where none is to be told. */
void scd_frame_write_answer(guint8 *header, guint32 code, guint32 protocol);
