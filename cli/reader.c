/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <glib/gi18n.h>

#include "base/error.h"

#define STATUS_DELAY_MS 1000 /* before a terminal shows that the call is waiting */

/* Frequent errors: translated, unlike the service's messages. */
static const struct {
    ScdErrorCode code;
    const char *text;
} explanations[] = {
    {SCD_E_NO_SMARTCARD,
     N_("there is no card in the reader (run 'smartcardctl wait' to wait for one)")},
    {SCD_W_REMOVED_CARD, N_("the card was removed; insert it and start again")},
    {SCD_W_RESET_CARD, N_("the card was reset in the meantime; start again")},
    {SCD_E_SHARING_VIOLATION,
     N_("another program is using the card; wait until it has finished, or close it")},
    {SCD_W_UNPOWERED_CARD, N_("the card does not answer; remove it and insert it again")},
    {SCD_W_UNRESPONSIVE_CARD, N_("the card does not answer; remove it and insert it again")},
    {SCD_E_NOT_TRANSACTED, N_("communication with the reader or the card failed")},
    {SCD_E_UNSUPPORTED_FEATURE, N_("the reader or its driver does not support this")},
};

static gboolean
choose_only_reader(CtlReader *reader, GError **error)
{
    g_autoptr(CtlObjectCache) cache = ctl_client_load(reader->bus, error);
    CtlReaderView only;

    if (!cache || !ctl_client_get_reader(reader->bus, cache, NULL, &only, error))
        return FALSE;
    reader->path = g_strdup(only.path);
    reader->name = g_strdup(ctl_property_text(only.properties, "Name"));
    return TRUE;
}

static gboolean
choose_named_reader(CtlReader *reader, const char *selector, GError **error)
{
    reader->path = ctl_client_find_reader_path(reader->bus, selector, error);
    reader->name = g_strdup(selector);
    return reader->path != NULL;
}

CtlReader *
ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error)
{
    g_autoptr(CtlReader) reader = g_new0(CtlReader, 1);
    const char *selector = arguments->reader;

    reader->output = arguments->json ? NULL : output;
    reader->bus = ctl_client_connect(error);
    if (!reader->bus)
        return NULL;
    if (!(selector ? choose_named_reader(reader, selector, error)
                   : choose_only_reader(reader, error)))
        return NULL;
    return g_steal_pointer(&reader);
}

void
ctl_reader_free(CtlReader *reader)
{
    g_clear_object(&reader->bus);
    g_free(reader->path);
    g_free(reader->name);
    g_free(reader);
}

/* Replaces the message by one for the user. Takes call_error; returns NULL. */
static GVariant *
explain_reader_error(const CtlReader *reader, GError *call_error, GError **error)
{
    ctl_client_explain_error(call_error);
    for (gsize i = 0; i < G_N_ELEMENTS(explanations); i++) {
        if (!g_error_matches(call_error, SCD_ERROR, (int)explanations[i].code))
            continue;
        g_free(call_error->message);
        call_error->message =
            g_strdup_printf(_("reader '%s': %s"), reader->name, _(explanations[i].text));
    }
    g_propagate_error(error, call_error);
    return NULL;
}

GVariant *
ctl_reader_call(CtlReader *reader, const char *path, const char *interface, const char *method,
                GVariant *arguments, const char *type, GError **error)
{
    GError *call_error = NULL;
    GVariant *reply = g_dbus_connection_call_sync(
        reader->bus, CTL_BUS_NAME, path, interface, method, arguments, G_VARIANT_TYPE(type),
        G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, NULL, &call_error);

    return reply ? reply : explain_reader_error(reader, call_error, error);
}

GVariant *
ctl_reader_call_when_free(CtlReader *reader, const char *path, const char *interface,
                          const char *method, GVariant *arguments, const char *type, GError **error)
{
    const CtlLongCall call = {
        .bus = reader->bus,
        .path = path,
        .interface = interface,
        .method = method,
        .type = type,
        .flags = G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
        .output = reader->output,
        .status = _("Waiting: another program may be using the reader."),
        .delay_ms = STATUS_DELAY_MS,
    };
    GError *call_error = NULL;
    GVariant *reply = ctl_client_run_long_call(&call, arguments, &call_error);

    return reply ? reply : explain_reader_error(reader, call_error, error);
}

struct CtlSession {
    CtlReader *reader;
    char *path;
};

static GVariant *
call_session(CtlSession *session, const char *method, GVariant *arguments, const char *type,
             GError **error)
{
    return ctl_reader_call(session->reader, session->path, CTL_INTERFACE_SESSION, method, arguments,
                           type, error);
}

static CtlSession *
open_session(CtlReader *reader, const char *share_mode, GError **error)
{
    g_autoptr(GVariant) reply = ctl_reader_call_when_free(
        reader, reader->path, CTL_INTERFACE_READER, "Connect",
        g_variant_new("(s@as@a{sv})", share_mode, g_variant_new_strv(NULL, 0),
                      g_variant_new_parsed("@a{sv} {}")),
        "(os)", error);
    if (!reply)
        return NULL;

    CtlSession *session = g_new0(CtlSession, 1);
    session->reader = reader;
    g_variant_get(reply, "(os)", &session->path, NULL);
    return session;
}

static CtlSession *
begin_session(CtlReader *reader, const char *share_mode, GError **error)
{
    g_autoptr(CtlSession) session = open_session(reader, share_mode, error);

    if (!session)
        return NULL;
    g_autoptr(GVariant) reply =
        ctl_reader_call_when_free(reader, session->path, CTL_INTERFACE_SESSION, "BeginTransaction",
                                  g_variant_new_parsed("(@a{sv} {},)"), "()", error);
    return reply ? g_steal_pointer(&session) : NULL;
}

CtlSession *
ctl_session_begin(CtlReader *reader, GError **error)
{
    return begin_session(reader, "shared", error);
}

CtlSession *
ctl_session_begin_direct(CtlReader *reader, GError **error)
{
    return begin_session(reader, "direct", error);
}

void
ctl_session_free(CtlSession *session)
{
    GVariant *reply = call_session(session, "Close", g_variant_new("(s)", "leave"), "()", NULL);

    g_clear_pointer(&reply, g_variant_unref);
    g_free(session->path);
    g_free(session);
}

static GBytes *
call_session_for_bytes(CtlSession *session, const char *method, GVariant *arguments, GError **error)
{
    g_autoptr(GVariant) reply = call_session(session, method, arguments, "(ay)", error);
    g_autoptr(GVariant) bytes = reply ? g_variant_get_child_value(reply, 0) : NULL;

    return bytes ? g_variant_get_data_as_bytes(bytes) : NULL;
}

GBytes *
ctl_session_transmit(CtlSession *session, GBytes *command, gboolean follow, GError **error)
{
    GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, command, TRUE);
    GVariant *options = g_variant_new_parsed("{'follow': <%b>}", follow);

    return call_session_for_bytes(session, "Transmit", g_variant_new("(@ay@a{sv})", bytes, options),
                                  error);
}

char *
ctl_session_reset(CtlSession *session, GError **error)
{
    g_autoptr(GVariant) reply = call_session(
        session, "Reconnect",
        g_variant_new("(s@ass)", "shared", g_variant_new_strv(NULL, 0), "reset"), "(s)", error);
    char *protocol = NULL;

    if (reply)
        g_variant_get(reply, "(s)", &protocol);
    return protocol;
}

GBytes *
ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error)
{
    return call_session_for_bytes(session, "GetAttribute", g_variant_new("(u)", id), error);
}
