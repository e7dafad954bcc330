/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <glib/gi18n.h>
#include <signal.h>

#include "base/error.h"

void
ctl_client_get_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
}

/* GDBus starts its thread here, which inherits the blocked signals. */
static GDBusConnection *
get_bus_in_blocked_thread(GError **error)
{
    sigset_t signals, before;

    ctl_client_get_signals(&signals);
    sigprocmask(SIG_BLOCK, &signals, &before);
    GDBusConnection *bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, error);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return bus;
}

GDBusConnection *
ctl_client_connect(GError **error)
{
    GDBusConnection *bus = get_bus_in_blocked_thread(error);

    if (bus)
        g_dbus_connection_set_exit_on_close(bus, FALSE);
    else
        g_prefix_error(
            error, "%s: ", _("cannot connect to the system bus (is the D-Bus service running?)"));
    return bus;
}

gboolean
ctl_client_is_service_gone(const GError *error)
{
    return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN);
}

/*
 * Moves an error of the service to the domain SCD_ERROR. Returns FALSE for errors of the bus.
 * Errors are not registered with GLib, which has the standard names in a domain of its own.
 */
static gboolean
adopt_service_error(GError *error, const char *name)
{
    static const struct {
        const char *name;
        int code;
    } names[] = {
#define AS_PCSC_ROW(name, number, dbus_name, text) {SCD_ERROR_PREFIX dbus_name, number},
#define AS_OWN_ROW(name, number, dbus_name, text) {dbus_name, number},
        SCD_PCSC_ERROR_TABLE(AS_PCSC_ROW) SCD_OWN_ERROR_TABLE(AS_OWN_ROW)
#undef AS_PCSC_ROW
#undef AS_OWN_ROW
    };

    for (gsize i = 0; name && i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(name, names[i].name)) {
            error->domain = SCD_ERROR;
            error->code = names[i].code;
        }
    }
    return error->domain == SCD_ERROR || (name && g_str_has_prefix(name, SCD_ERROR_PREFIX));
}

/* Frequent errors of all commands: translated, unlike the service's messages. */
static const struct {
    ScdErrorCode code;
    gboolean with_detail; /* the service's message follows */
    const char *text;
} explanations[] = {
    {SCD_NOT_AUTHORIZED, TRUE, N_("you are not allowed to do this")},
    {SCD_INTERACTION_REQUIRED, FALSE,
     N_("you have to authenticate, but no program can ask for your password here (log in to a "
        "desktop, or run the command as root)")},
    {SCD_LIMITS_EXCEEDED, TRUE,
     N_("a limit of smartcardd was reached; close other programs that use smart cards, or try "
        "again later")},
};

static void
explain_service_error(GError *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(explanations); i++) {
        if (!g_error_matches(error, SCD_ERROR, (int)explanations[i].code))
            continue;
        const char *text = _(explanations[i].text);
        g_autofree char *detail = error->message;
        error->message =
            explanations[i].with_detail ? g_strdup_printf("%s: %s", text, detail) : g_strdup(text);
    }
}

/* Returns the explanation of an error that is not one of the service. */
static const char *
get_explanation(const GError *error)
{
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
        g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
        return _("smartcardd is not running and cannot be started (is it installed?)");
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
        return _("the configuration of the system bus denies this user access to smartcardd");
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD))
        return _("the running smartcardd is too old for this command (restart it after an update)");
    return _("cannot reach smartcardd (see 'systemctl status smartcardd')");
}

void
ctl_client_explain_error(GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    g_dbus_error_strip_remote_error(error);
    if (adopt_service_error(error, name)) {
        explain_service_error(error);
        return;
    }
    g_autofree char *detail = error->message;
    error->message = g_strdup_printf("%s: %s", get_explanation(error), detail);
}

/* The caller passes the error to ctl_client_explain_error(). */
static GVariant *
call_without_explaining(GDBusConnection *bus, const char *interface, const char *method,
                        GVariant *arguments, const char *type, GError **error)
{
    return g_dbus_connection_call_sync(bus, CTL_BUS_NAME, CTL_ROOT_PATH, interface, method,
                                       arguments, G_VARIANT_TYPE(type), G_DBUS_CALL_FLAGS_NONE, -1,
                                       NULL, error);
}

static GVariant *
call_service(GDBusConnection *bus, const char *interface, const char *method, GVariant *arguments,
             const char *type, GError **error)
{
    GError *call_error = NULL;
    GVariant *reply = call_without_explaining(bus, interface, method, arguments, type, &call_error);

    if (reply)
        return reply;
    ctl_client_explain_error(call_error);
    g_propagate_error(error, call_error);
    return NULL;
}

GVariant *
ctl_client_get_manager(GDBusConnection *bus, GError **error)
{
    g_autoptr(GVariant) reply =
        call_service(bus, DBUS_INTERFACE_PROPERTIES, "GetAll",
                     g_variant_new("(s)", CTL_INTERFACE_MANAGER), "(a{sv})", error);

    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

CtlObjectCache *
ctl_client_load(GDBusConnection *bus, GError **error)
{
    g_autoptr(GVariant) manager = ctl_client_get_manager(bus, error);

    if (!manager)
        return NULL;
    if (!ctl_property_flag(manager, "Available")) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
                    _("smartcardd cannot reach pcscd: %s"),
                    ctl_property_text(manager, "UnavailableReason"));
        return NULL;
    }

    g_autoptr(GVariant) tree = call_service(bus, DBUS_INTERFACE_OBJECT_MANAGER, "GetManagedObjects",
                                            NULL, "(a{oa{sa{sv}}})", error);
    if (!tree)
        return NULL;
    g_autoptr(GVariant) objects = g_variant_get_child_value(tree, 0);
    CtlObjectCache *cache = ctl_object_cache_new();
    ctl_object_cache_fill(cache, objects);
    return cache;
}

char *
ctl_client_find_reader_path(GDBusConnection *bus, const char *selector, GError **error)
{
    GError *call_error = NULL;
    char *path = NULL;
    g_autoptr(GVariant) reply =
        call_without_explaining(bus, CTL_INTERFACE_MANAGER, "FindReader",
                                g_variant_new("(s)", selector), "(o)", &call_error);
    if (reply) {
        g_variant_get(reply, "(o)", &path);
        return path;
    }

    ctl_client_explain_error(call_error);
    if (g_error_matches(call_error, SCD_ERROR, SCD_E_UNKNOWN_READER)) {
        /* A frequent error: translated, unlike the service's message. */
        g_free(call_error->message);
        call_error->message = g_strdup_printf(
            _("there is no reader '%s' (run 'smartcardctl list' to see all readers)"), selector);
    }
    g_propagate_error(error, call_error);
    return NULL;
}

/* Fails when there is no reader, or more than one. */
static gboolean
get_only_reader(CtlObjectCache *cache, CtlReaderView *reader, GError **error)
{
    g_autoptr(GArray) readers = ctl_object_cache_readers(cache);

    if (readers->len == 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("no reader is connected"));
    } else if (readers->len > 1) {
        g_set_error(
            error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
            _("there are %u readers; name one of them (run 'smartcardctl list' to see them)"),
            readers->len);
    } else {
        *reader = g_array_index(readers, CtlReaderView, 0);
        return TRUE;
    }
    return FALSE;
}

gboolean
ctl_client_get_reader(GDBusConnection *bus, CtlObjectCache *cache, const char *selector,
                      CtlReaderView *reader, GError **error)
{
    if (!selector)
        return get_only_reader(cache, reader, error);
    g_autofree char *path = ctl_client_find_reader_path(bus, selector, error);
    if (!path)
        return FALSE;
    if (ctl_object_cache_get_reader(cache, path, reader))
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                _("reader '%s' was connected only just now; try again"), selector);
    return FALSE;
}
