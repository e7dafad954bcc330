/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/error.h"

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
     N_("you have to authenticate, but no program can ask for your password here (run the command "
        "on a terminal, in a desktop or as root, and without --no-ask-password)")},
    {SCD_LIMITS_EXCEEDED, TRUE,
     N_("a limit of smartcardd was reached; close other programs that use smart cards, or try "
        "again later")},
    {SCD_E_NO_SERVICE, TRUE, N_("pcscd cannot be reached")},
    {SCD_F_COMM_ERROR, FALSE, N_("the connection to pcscd was lost; try again")},
    {SCD_E_SERVER_TOO_BUSY, FALSE, N_("pcscd is too busy; try again later")},
    {SCD_E_NO_MEMORY, FALSE, N_("no memory or other resource is left")},
    {SCD_P_SHUTDOWN, FALSE, N_("smartcardd is stopping; try again")},
    {SCD_NOT_SAVED, TRUE, N_("the change could not be saved")},
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

    if (error->domain == CTL_ERROR)
        return;                              /* has a message for the user already */
    if (error->domain == SMARTCARDD_ERROR) { /* the numbers are the same */
        error->domain = SCD_ERROR;
        explain_service_error(error);
        return;
    }
    g_dbus_error_strip_remote_error(error);
    if (adopt_service_error(error, name)) {
        explain_service_error(error);
        return;
    }
    g_autofree char *detail = error->message;
    error->message = g_strdup_printf("%s: %s", get_explanation(error), detail);
}

GVariant *
ctl_client_call(const CtlRoute *route, GDBusConnection *bus, const CtlConnectionCall *call,
                GVariant *arguments, GError **error)
{
    GError *call_error = NULL;
    GVariant *reply = ctl_connection_call(route, bus, call, arguments, &call_error);

    if (reply)
        return reply;
    ctl_client_explain_error(call_error);
    g_propagate_error(error, call_error);
    return NULL;
}

/* Returns FALSE if the service does not reply, with the reason that the bus has. */
static gboolean
ask_for_reason(const CtlRoute *route, GDBusConnection *bus, GError **error)
{
    static const CtlConnectionCall get = {CTL_BUS_NAME, CTL_ROOT_PATH, DBUS_INTERFACE_PROPERTIES,
                                          "Get", "(v)"};
    g_autoptr(GVariant) reply = ctl_client_call(
        route, bus, &get, g_variant_new("(ss)", CTL_INTERFACE_MANAGER, "Version"), error);

    return reply != NULL;
}

SmartcarddClient *
ctl_client_new(const CtlRoute *route, GDBusConnection *bus, GError **error)
{
    CtlWaiting waiting = ctl_connection_get_waiting(route);
    GError *library_error = NULL;

    ctl_waiting_begin(&waiting);
    g_async_initable_new_async(SMARTCARDD_TYPE_CLIENT, G_PRIORITY_DEFAULT, waiting.cancellable,
                               ctl_waiting_finish, &waiting, "connection", bus, NULL);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GObject) source = g_async_result_get_source_object(result);
    GObject *client = g_async_initable_new_finish(G_ASYNC_INITABLE(source), result, &library_error);
    if (client)
        return SMARTCARDD_CLIENT(client);
    ctl_waiting_explain_error(&waiting, &library_error);
    /* The errors of the library tell less than those of the bus why the service does not reply. */
    if (library_error->domain == CTL_ERROR || ask_for_reason(route, bus, error)) {
        ctl_client_explain_error(library_error);
        g_propagate_error(error, library_error);
    } else {
        g_error_free(library_error);
    }
    return NULL;
}

gboolean
ctl_client_check_pcscd(SmartcarddClient *client, GError **error)
{
    if (smartcardd_client_is_available(client))
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, _("smartcardd cannot reach pcscd: %s"),
                smartcardd_client_get_unavailable_reason(client));
    return FALSE;
}

SmartcarddClient *
ctl_client_load(const CtlRoute *route, GDBusConnection *bus, GError **error)
{
    g_autoptr(SmartcarddClient) client = ctl_client_new(route, bus, error);

    return client && ctl_client_check_pcscd(client, error) ? g_steal_pointer(&client) : NULL;
}

static gboolean
has_part_in_name(SmartcarddReader *reader, const char *part)
{
    g_autofree char *name = g_utf8_casefold(smartcardd_reader_get_name(reader), -1);
    g_autofree char *folded = g_utf8_casefold(part, -1);

    return strstr(name, folded) != NULL;
}

/* Returns the number of readers that the selector names; sets found to the last one. */
static guint
count_readers(GListModel *readers, const char *selector,
              gboolean (*fits)(SmartcarddReader *reader, const char *selector),
              SmartcarddReader **found)
{
    guint count = 0;

    for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
        g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);
        if (fits && !fits(reader, selector))
            continue;
        *found = reader; /* the list has a reference */
        count++;
    }
    return count;
}

gboolean
ctl_client_is_named(SmartcarddClient *client, SmartcarddReader *reader, const char *selector)
{
    SmartcarddReader *found;

    if (smartcardd_reader_matches(reader, selector))
        return TRUE;
    return has_part_in_name(reader, selector) &&
           count_readers(smartcardd_client_get_readers(client), selector, smartcardd_reader_matches,
                         &found) == 0;
}

static SmartcarddReader *
find_only_reader(GListModel *readers, GError **error)
{
    SmartcarddReader *found = NULL;
    guint count = count_readers(readers, NULL, NULL, &found);

    if (count == 1)
        return found;
    if (count == 0)
        g_set_error_literal(error, SCD_ERROR, SCD_E_UNKNOWN_READER, _("no reader is connected"));
    else
        g_set_error(
            error, SCD_ERROR, SCD_E_UNKNOWN_READER,
            _("there are %u readers; name one of them (run 'smartcardctl list' to see them)"),
            count);
    return NULL;
}

SmartcarddReader *
ctl_client_find_reader(SmartcarddClient *client, const char *selector, GError **error)
{
    GListModel *readers = smartcardd_client_get_readers(client);
    SmartcarddReader *found = selector ? smartcardd_client_find_reader(client, selector) : NULL;

    if (!selector)
        return find_only_reader(readers, error);
    if (found)
        return found;
    guint count = count_readers(readers, selector, smartcardd_reader_matches, &found);
    if (count == 0)
        count = count_readers(readers, selector, has_part_in_name, &found);
    if (count == 1)
        return found;
    if (count == 0)
        g_set_error(error, SCD_ERROR, SCD_E_UNKNOWN_READER,
                    _("there is no reader '%s' (run 'smartcardctl list' to see all readers)"),
                    selector);
    else
        g_set_error(error, SCD_ERROR, SCD_E_UNKNOWN_READER,
                    _("'%s' names %u readers; name one of them (run 'smartcardctl list' to see "
                      "them)"),
                    selector, count);
    return NULL;
}
