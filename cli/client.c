/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <glib/gi18n.h>

#include "base/error.h"
#include "bus/error.h"
#include "property.h"

GDBusConnection *
ctl_client_connect(GError **error)
{
    scd_error_register();
    GDBusConnection *bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, error);

    if (bus)
        g_dbus_connection_set_exit_on_close(bus, FALSE);
    else
        g_prefix_error(error, "%s: ", _("the system bus cannot be reached (is D-Bus running?)"));
    return bus;
}

gboolean
ctl_client_is_gone(const GError *error)
{
    return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN);
}

/* What to think of an error that is none of the service's own. */
static const char *
what_is_wrong(const GError *error)
{
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
        g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
        return _("smartcardd does not run and cannot be started (is it installed?)");
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
        return _("the system bus does not let this user talk to smartcardd");
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD))
        return _("smartcardd is too old for that (restart it after an update)");
    return _("smartcardd cannot be reached (see 'systemctl status smartcardd')");
}

void
ctl_client_explain(GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    g_dbus_error_strip_remote_error(error);
    if (name && g_str_has_prefix(name, SCD_ERROR_PREFIX))
        return;

    g_autofree char *detail = error->message;
    error->message = g_strdup_printf("%s: %s", what_is_wrong(error), detail);
}

/* Its error is for ctl_client_explain(). */
static GVariant *
call_plainly(GDBusConnection *bus, const char *interface, const char *method, GVariant *arguments,
             const char *type, GError **error)
{
    return g_dbus_connection_call_sync(bus, CTL_BUS_NAME, CTL_ROOT_PATH, interface, method,
                                       arguments, G_VARIANT_TYPE(type), G_DBUS_CALL_FLAGS_NONE, -1,
                                       NULL, error);
}

static GVariant *
call(GDBusConnection *bus, const char *interface, const char *method, GVariant *arguments,
     const char *type, GError **error)
{
    GError *trouble = NULL;
    GVariant *answer = call_plainly(bus, interface, method, arguments, type, &trouble);

    if (answer)
        return answer;
    ctl_client_explain(trouble);
    g_propagate_error(error, trouble);
    return NULL;
}

GVariant *
ctl_client_get_manager(GDBusConnection *bus, GError **error)
{
    g_autoptr(GVariant) answer =
        call(bus, DBUS_INTERFACE_PROPERTIES, "GetAll", g_variant_new("(s)", CTL_INTERFACE_MANAGER),
             "(a{sv})", error);

    return answer ? g_variant_get_child_value(answer, 0) : NULL;
}

CtlObjectCache *
ctl_client_load(GDBusConnection *bus, GError **error)
{
    g_autoptr(GVariant) manager = ctl_client_get_manager(bus, error);

    if (!manager)
        return NULL;
    if (!ctl_property_flag(manager, "Available")) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, _("pcscd cannot be reached: %s"),
                    ctl_property_text(manager, "UnavailableReason"));
        return NULL;
    }

    g_autoptr(GVariant) tree = call(bus, DBUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects", NULL,
                                    "(a{oa{sa{sv}}})", error);
    if (!tree)
        return NULL;
    g_autoptr(GVariant) objects = g_variant_get_child_value(tree, 0);
    CtlObjectCache *cache = ctl_object_cache_new();
    ctl_object_cache_fill(cache, objects);
    return cache;
}

char *
ctl_client_find_reader(GDBusConnection *bus, const char *selector, GError **error)
{
    GError *trouble = NULL;
    char *path = NULL;
    g_autoptr(GVariant) answer = call_plainly(bus, CTL_INTERFACE_MANAGER, "FindReader",
                                              g_variant_new("(s)", selector), "(o)", &trouble);
    if (answer) {
        g_variant_get(answer, "(o)", &path);
        return path;
    }

    ctl_client_explain(trouble);
    if (g_error_matches(trouble, SCD_ERROR, SCD_E_UNKNOWN_READER)) {
        /* What everybody meets once is told in the user's language, not in the service's. */
        g_free(trouble->message);
        trouble->message = g_strdup_printf(
            _("there is no reader '%s' ('smartcardctl list' shows those that are there)"),
            selector);
    }
    g_propagate_error(error, trouble);
    return NULL;
}

/* The only reader; an error when there is none, or more than one. */
static gboolean
look_at_only(CtlObjectCache *cache, CtlReaderView *reader, GError **error)
{
    g_autoptr(GArray) readers = ctl_object_cache_readers(cache);

    if (readers->len == 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("no reader is connected"));
    } else if (readers->len > 1) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                    _("there are %u readers: name one ('smartcardctl list' shows them)"),
                    readers->len);
    } else {
        *reader = g_array_index(readers, CtlReaderView, 0);
        return TRUE;
    }
    return FALSE;
}

gboolean
ctl_client_look(GDBusConnection *bus, CtlObjectCache *cache, const char *selector,
                CtlReaderView *reader, GError **error)
{
    if (!selector)
        return look_at_only(cache, reader, error);
    g_autofree char *path = ctl_client_find_reader(bus, selector, error);
    if (!path)
        return FALSE;
    if (ctl_object_cache_look(cache, path, reader))
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                _("reader '%s' has come just now; try again"), selector);
    return FALSE;
}
