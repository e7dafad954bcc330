/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/error.h"

#define AS_PCSC_ENTRY(name, number, dbus_name, text) {SCD_##name, SCD_ERROR_PREFIX dbus_name},
#define AS_OWN_ENTRY(name, number, dbus_name, text) {SCD_##name, dbus_name},

static const GDBusErrorEntry entries[] = {SCD_PCSC_ERROR_TABLE(AS_PCSC_ENTRY)
                                              SCD_OWN_ERROR_TABLE(AS_OWN_ENTRY)};

#undef AS_PCSC_ENTRY
#undef AS_OWN_ENTRY

/* GLib maps the names of the D-Bus specification to a domain of its own. */
static gboolean
is_standard(const GDBusErrorEntry *entry)
{
    return g_str_has_prefix(entry->dbus_error_name, SCD_DBUS_ERROR_PREFIX);
}

void
scd_error_register(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++)
        if (!is_standard(&entries[i]))
            g_dbus_error_register_error(SCD_ERROR, entries[i].error_code,
                                        entries[i].dbus_error_name);
}

const char *
scd_error_dbus_name(const GError *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++)
        if (g_error_matches(error, SCD_ERROR, entries[i].error_code))
            return entries[i].dbus_error_name;
    g_assert_not_reached();
}
