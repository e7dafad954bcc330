/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/error.h"

static const GDBusErrorEntry entries[] = {
#define AS_ENTRY(name, number, dbus_name, text) {SCD_##name, SCD_ERROR_PREFIX dbus_name},
    SCD_PCSC_ERROR_TABLE(AS_ENTRY) SCD_OWN_ERROR_TABLE(AS_ENTRY)
#undef AS_ENTRY
};

void
scd_error_register(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++)
        g_dbus_error_register_error(SCD_ERROR, entries[i].error_code, entries[i].dbus_error_name);
}
