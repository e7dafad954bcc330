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

/* The remedy, where the text of the error does not imply it. */
static const char *
get_hint(ScdErrorCode code)
{
    switch (code) {
    case SCD_W_RESET_CARD:
        return ": call Reconnect, then restore the state of the card";
    case SCD_W_REMOVED_CARD:
        return ": insert it again, then call Reconnect";
    case SCD_E_NO_SERVICE:
        return ": connect again when pcscd is back";
    case SCD_E_SHARING_VIOLATION:
        return ": wait until the other program has finished, or close it";
    case SCD_W_UNRESPONSIVE_CARD:
    case SCD_W_UNPOWERED_CARD:
        return ": insert it again if it can be removed, or use another reader";
    case SCD_E_PROTO_MISMATCH:
        return ": use one of the protocols in the property Protocols of the card";
    case SCD_W_SECURITY_VIOLATION:
        return ": polkit does not authorize this program any more, or does not let the user "
               "smartcardd access pcscd";
    default:
        return "";
    }
}

GError *
scd_call_error_new_with(const char *reader, const char *where, ScdErrorCode code, const char *end)
{
    return g_error_new(SCD_ERROR, code, "Reader '%s': %s%s%s%s", reader, where,
                       scd_error_text(code), get_hint(code), end);
}

GError *
scd_call_error_new(const char *reader, ScdErrorCode code)
{
    return scd_call_error_new_with(reader, "", code, "");
}

const char *
scd_call_error_sent_text(gboolean sent)
{
    return sent ? ": sent, result unknown" : ": not sent";
}

char *
scd_holder_query_describe(const ScdHolderQuery *query, const char *reader, ScdErrorCode code)
{
    if (code != SCD_E_SHARING_VIOLATION || !query->describe)
        return NULL;
    return query->describe(query->data, reader, query->uid, query->except);
}
