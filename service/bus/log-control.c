/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/log-control.h"

#include "base/log.h"
#include "bus/error.h"
#include "scd-interface-info.h"

#define PATH "/org/freedesktop/LogControl1"

static GVariant *
get_property(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
             const char *name, GError **error, gpointer data)
{
    if (g_str_equal(name, "LogLevel"))
        return g_variant_new_string(scd_log_level());
    if (g_str_equal(name, "LogTarget"))
        return g_variant_new_string(scd_log_target());
    return g_variant_new_string(g_get_prgname()); /* SyslogIdentifier */
}

static gboolean
set_property(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
             const char *name, GVariant *value, GError **error, gpointer data)
{
    const char *word = g_variant_get_string(value, NULL);
    gboolean known =
        g_str_equal(name, "LogLevel") ? scd_log_set_level(word) : scd_log_set_target(word);

    if (!known)
        g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "There is no %s '%s' here",
                    g_str_equal(name, "LogLevel") ? "log level" : "log target", word);
    return known;
}

gboolean
scd_log_control_register(GDBusConnection *bus, GError **error)
{
    static const GDBusInterfaceVTable functions = {NULL, get_property, set_property};

    return g_dbus_connection_register_object(
               bus, PATH, (GDBusInterfaceInfo *)&scd_org_freedesktop_log_control1_interface,
               &functions, NULL, NULL, error) != 0;
}
