/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as the header of a message on the bus, for the gate. */

#include "bus/gate.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    gsize header_length, length;
    ScdDbusHeader header;
    ScdGateError error = {0};

    if (size < SCD_DBUS_FIXED_HEADER || !scd_dbus_measure(data, &header_length, &length) ||
        size < header_length || !scd_dbus_read_header(data, header_length, &header))
        return 0;
    ScdGateVerdict verdict = scd_gate_check_header(&header, length, &error);

    g_assert_cmpint(verdict, !=, SCD_GATE_HOLD);
    if (verdict == SCD_GATE_REFUSE)
        g_assert_true(error.name != NULL && error.text != NULL);
    if (verdict == SCD_GATE_PASS && header.type == SCD_DBUS_METHOD_CALL) {
        g_assert_cmpuint(length, <=, scd_gate_message_max());
        g_assert_cmpuint(header.body_length, <=, scd_gate_find_body_limit(&header)->body_max);
    }
    scd_gate_weigh_reply(&header);
    scd_gate_uses_card(&header);
    return 0;
}
