/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/buffer-call.h"

#include <string.h>
#include <winscard.h>

static guint32
check_length(guint32 code, DWORD returned, guint8 *buffer, gsize *length)
{
    if (code == SCARD_S_SUCCESS && returned > *length) {
        explicit_bzero(buffer, *length);
        code = SCARD_E_INSUFFICIENT_BUFFER;
    }
    *length = code == SCARD_S_SUCCESS ? returned : 0;
    return code;
}

guint32
scd_pcsc_transmit(long card, guint32 protocol, gconstpointer command, gsize command_length,
                  guint32 *answer_protocol, guint8 *response, gsize *length)
{
    const SCARD_IO_REQUEST requested = {protocol, sizeof requested};
    SCARD_IO_REQUEST reported = {answer_protocol ? *answer_protocol : 0, sizeof reported};
    DWORD returned = *length;
    guint32 code = SCardTransmit(card, &requested, command, command_length,
                                 answer_protocol ? &reported : NULL, response, &returned);

    if (answer_protocol)
        *answer_protocol = (guint32)reported.dwProtocol;
    return check_length(code, returned, response, length);
}

guint32
scd_pcsc_control(long card, guint32 control_code, gconstpointer input, gsize input_length,
                 guint8 *output, gsize *length)
{
    DWORD returned = 0;
    guint32 code =
        SCardControl(card, control_code, input, input_length, output, *length, &returned);

    return check_length(code, returned, output, length);
}

guint32
scd_pcsc_get_attribute(long card, guint32 id, guint8 *value, gsize *length)
{
    DWORD returned = *length;
    guint32 code = SCardGetAttrib(card, id, value, &returned);

    return check_length(code, returned, value, length);
}
