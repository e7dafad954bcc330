/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <glib/gi18n.h>

#include "base/error.h"
#include "helper.h"

#define STATUS_DELAY_MS 1000 /* before a terminal shows that the call is waiting */

#define WAITING_FOR_CARD N_("Waiting for the card to respond.")

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
    {SCD_W_UNPOWERED_CARD,
     N_("the card does not answer; insert it again if it can be removed, or use "
        "another reader")},
    {SCD_W_UNRESPONSIVE_CARD,
     N_("the card does not answer; insert it again if it can be removed, or use "
        "another reader")},
    {SCD_E_NOT_TRANSACTED, N_("communication with the reader or the card failed")},
    {SCD_E_COMM_DATA_LOST, N_("communication with the reader or the card failed")},
    {SCD_E_NOT_READY, N_("the reader or the card is not ready; try again")},
    {SCD_E_UNSUPPORTED_FEATURE, N_("the reader or its driver does not support this")},
    {SCD_E_READER_UNSUPPORTED, N_("the reader or its driver does not support this")},
    {SCD_E_PROTO_MISMATCH, N_("the card does not support this protocol")},
    {SCD_W_UNSUPPORTED_CARD, N_("the reader cannot work with this card")},
    {SCD_E_CARD_UNSUPPORTED, N_("the reader cannot work with this card")},
    {SCD_NO_PIN_PAD, N_("the reader has no PIN pad for this")},
    {SCD_PIN_TIMEOUT, N_("no PIN was entered in time")},
    {SCD_PIN_CANCELLED, N_("the PIN entry was cancelled at the reader")},
    {SCD_PIN_MISMATCH, N_("the entries of the new PIN differ")},
    {SCD_PIN_LENGTH, N_("the PIN is too short or too long")},
    {SCD_E_READER_UNAVAILABLE, N_("the reader was disconnected")},
    {SCD_UNKNOWN_OBJECT, N_("the reader was disconnected")},
    {SCD_E_INVALID_HANDLE, N_("the connection to the card was closed by another program")},
};

CtlReader *
ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error)
{
    g_autoptr(CtlReader) reader = g_new0(CtlReader, 1);
    const char *selector = arguments->reader;

    reader->route = ctl_connection_get_route(arguments, output);
    reader->bus = ctl_connection_open(&reader->route, error);
    reader->client = reader->bus ? ctl_client_load(&reader->route, reader->bus, error) : NULL;
    reader->object =
        reader->client ? ctl_client_find_reader(reader->client, selector, error) : NULL;
    if (!reader->object)
        return NULL;
    reader->protocol = arguments->protocol;
    reader->path = g_strdup(smartcardd_reader_get_object_path(reader->object));
    reader->name = g_strdup(selector ? selector : smartcardd_reader_get_name(reader->object));
    reader->no_ask_password = arguments->no_ask_password;
    if (!reader->no_ask_password && !arguments->host)
        reader->agent = ctl_helper_start_agent();
    return g_steal_pointer(&reader);
}

void
ctl_reader_free(CtlReader *reader)
{
    ctl_helper_stop(reader->agent);
    g_clear_object(&reader->client);
    g_clear_object(&reader->bus);
    g_free(reader->path);
    g_free(reader->name);
    g_free(reader);
}

static gboolean
is_given_up(const GError *error)
{
    return g_error_matches(error, SCD_ERROR, SCD_E_TIMEOUT) ||
           g_error_matches(error, SCD_ERROR, SCD_E_CANCELLED);
}

/* A user whose command was given up wants to know whether the card has got it. */
static const char *
explain_giving_up(const CtlReader *reader, const GError *error)
{
    gboolean timeout = error->code == SCD_E_TIMEOUT;

    if (reader->sends && ctl_call_was_sent(error))
        return timeout ? _("the time ran out; the command was sent, its result is unknown")
                       : _("stopped; the command was sent, its result is unknown");
    if (reader->sends && ctl_call_was_not_sent(error))
        return timeout ? _("the time ran out; the command was not sent")
                       : _("stopped; the command was not sent");
    return timeout ? _("the time ran out") : _("stopped");
}

/* Returns NULL if the service's message has to do. */
static const char *
get_explanation(const CtlReader *reader, const GError *error)
{
    gboolean refused = g_error_matches(error, SCD_ERROR, SCD_NOT_AUTHORIZED) ||
                       g_error_matches(error, SCD_ERROR, SCD_INTERACTION_REQUIRED);

    if (refused && reader->route.host)
        return _(
            "you are not allowed to do this through ssh; the administrator of the other machine "
            "can allow it by a rule of polkit");
    if (is_given_up(error))
        return explain_giving_up(reader, error);
    for (gsize i = 0; i < G_N_ELEMENTS(explanations); i++) {
        if (g_error_matches(error, SCD_ERROR, (int)explanations[i].code))
            return _(explanations[i].text);
    }
    return NULL;
}

/* Replaces the message by one for the user. Takes call_error; returns NULL. */
static GVariant *
explain_reader_error(const CtlReader *reader, GError *call_error, GError **error)
{
    ctl_client_explain_error(call_error);
    const char *explanation = get_explanation(reader, call_error);
    if (explanation) {
        g_free(call_error->message);
        call_error->message = g_strdup_printf(_("reader '%s': %s"), reader->name, explanation);
    }
    g_propagate_error(error, call_error);
    return NULL;
}

GVariant *
ctl_reader_get_properties(const CtlReader *reader, GError **error)
{
    const CtlConnectionCall get_all = {CTL_BUS_NAME, reader->path, DBUS_INTERFACE_PROPERTIES,
                                       "GetAll", "(a{sv})"};
    GError *call_error = NULL;
    g_autoptr(GVariant) reply =
        ctl_connection_call(&reader->route, reader->bus, &get_all,
                            g_variant_new("(s)", CTL_INTERFACE_READER), &call_error);

    return reply ? g_variant_get_child_value(reply, 0)
                 : explain_reader_error(reader, call_error, error);
}

static CtlCall
prepare_call(const CtlReader *reader, const char *path, const char *interface,
             const CtlReaderCall *reader_call)
{
    return (CtlCall){
        .bus = reader->bus,
        .path = path,
        .interface = interface,
        .method = reader_call->method,
        .type = reader_call->type,
        .flags = reader->no_ask_password ? G_DBUS_CALL_FLAGS_NONE
                                         : G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
        .end = reader->route.end,
        .output = reader->route.output,
        .status = _(reader_call->status),
        .delay_ms = STATUS_DELAY_MS,
    };
}

static GVariant *
run_call(const CtlReader *reader, const CtlCall *call, GVariant *arguments, GError **error)
{
    GError *call_error = NULL;
    GVariant *reply = ctl_call_run(call, arguments, &call_error);

    return reply ? reply : explain_reader_error(reader, call_error, error);
}

GVariant *
ctl_reader_call(const CtlReader *reader, const CtlReaderCall *call, GVariant *arguments,
                GError **error)
{
    const CtlCall bus_call = prepare_call(reader, reader->path, CTL_INTERFACE_READER, call);

    return run_call(reader, &bus_call, arguments, error);
}

struct CtlSession {
    CtlReader *reader;
    char *path;
    char *protocol;
    gboolean given_up; /* a command may be running: only the end of the process ends the session */
};

static GVariant *
run_session_call(CtlSession *session, const CtlCall *call, GVariant *arguments, GError **error)
{
    GError *call_error = NULL;
    GVariant *reply = run_call(session->reader, call, arguments, &call_error);

    if (reply)
        return reply;
    session->given_up = session->given_up || is_given_up(call_error);
    g_propagate_error(error, call_error);
    return NULL;
}

static GVariant *
call_session(CtlSession *session, const CtlReaderCall *call, GVariant *arguments, GError **error)
{
    const CtlCall bus_call =
        prepare_call(session->reader, session->path, CTL_INTERFACE_SESSION, call);

    return run_session_call(session, &bus_call, arguments, error);
}

/* Returns the protocols that are acceptable, an empty array for any. */
static GVariant *
get_protocols(const CtlReader *reader)
{
    return g_variant_new_strv(&reader->protocol, reader->protocol ? 1 : 0);
}

static CtlSession *
open_session(CtlReader *reader, const char *share_mode, GError **error)
{
    static const CtlReaderCall connect = {"Connect", "(os)", CTL_READER_WAITING};
    g_autoptr(GVariant) reply =
        ctl_reader_call(reader, &connect,
                        g_variant_new("(s@as@a{sv})", share_mode, get_protocols(reader),
                                      g_variant_new_parsed("@a{sv} {}")),
                        error);
    if (!reply)
        return NULL;

    CtlSession *session = g_new0(CtlSession, 1);
    session->reader = reader;
    g_variant_get(reply, "(os)", &session->path, &session->protocol);
    return session;
}

static CtlSession *
begin_session(CtlReader *reader, const char *share_mode, GError **error)
{
    static const CtlReaderCall begin = {"BeginTransaction", "(b)", CTL_READER_WAITING};
    g_autoptr(CtlSession) session = open_session(reader, share_mode, error);

    if (!session)
        return NULL;
    g_autoptr(GVariant) reply =
        call_session(session, &begin, g_variant_new_parsed("(@a{sv} {},)"), error);
    return reply ? g_steal_pointer(&session) : NULL;
}

CtlSession *
ctl_session_open(CtlReader *reader, GError **error)
{
    return open_session(reader, "shared", error);
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

/* The time limit of the command does not apply: closing does not wait for other programs. */
static void
close_session(CtlSession *session)
{
    const CtlCall call = {
        .bus = session->reader->bus,
        .path = session->path,
        .interface = CTL_INTERFACE_SESSION,
        .method = "Close",
        .type = "()",
        .end = CTL_WAITING_NO_LIMIT,
    };
    GVariant *arguments = g_variant_new("(s@a{sv})", "leave", g_variant_new_parsed("@a{sv} {}"));
    GVariant *reply = ctl_call_run(&call, arguments, NULL);
    g_clear_pointer(&reply, g_variant_unref);
}

void
ctl_session_free(CtlSession *session)
{
    if (!session->given_up)
        close_session(session);
    g_free(session->path);
    g_free(session->protocol);
    g_free(session);
}

/* Takes the reply, which may be NULL, and returns its bytes. */
static GBytes *
take_bytes(GVariant *taken_reply)
{
    g_autoptr(GVariant) reply = taken_reply;
    g_autoptr(GVariant) bytes = reply ? g_variant_get_child_value(reply, 0) : NULL;

    return bytes ? g_variant_get_data_as_bytes(bytes) : NULL;
}

const char *
ctl_session_get_protocol(const CtlSession *session)
{
    return session->protocol;
}

const char *
ctl_session_get_path(const CtlSession *session)
{
    return session->path;
}

static GBytes *
call_session_for_bytes(CtlSession *session, const char *method, GVariant *arguments, GError **error)
{
    const CtlReaderCall call = {method, "(ay)", WAITING_FOR_CARD};

    return take_bytes(call_session(session, &call, arguments, error));
}

GBytes *
ctl_session_transmit(CtlSession *session, GBytes *command, gboolean follow, GError **error)
{
    GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, command, TRUE);
    GVariant *options = g_variant_new_parsed("{'follow': <%b>}", follow);

    return call_session_for_bytes(session, "Transmit", g_variant_new("(@ay@a{sv})", bytes, options),
                                  error);
}

/* Replaces the status of the call, which is shown again each time that the call waits for long. */
static void
show_pin_status(CtlCall *call, const char *status)
{
    g_autofree char *line = g_strdup_printf("%s %s", status, _("Press Ctrl-C to stop."));

    call->status = status;
    if (call->output)
        ctl_output_set_status(call->output, line);
}

/* Signals for the owner of the session only. Without a terminal, the user is told as well. */
static void
handle_pin_signal(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                  const char *signal, GVariant *arguments, gpointer data)
{
    CtlCall *call = data;

    if (g_str_equal(signal, "PinEntryStarted")) {
        show_pin_status(call, _("Enter the PIN at the reader."));
        if (!call->output || !ctl_output_is_terminal(call->output))
            g_printerr("%s\n", _("Enter the PIN at the reader."));
    } else if (g_str_equal(signal, "PinEntryEnded")) {
        show_pin_status(call, _(WAITING_FOR_CARD));
    }
}

GBytes *
ctl_session_enter_pin(CtlSession *session, gboolean modify, GBytes *command, GVariant *format,
                      GError **error)
{
    const CtlReaderCall reader_call = {modify ? "ModifyPin" : "VerifyPin", "(ay)",
                                       CTL_READER_WAITING};
    CtlCall call =
        prepare_call(session->reader, session->path, CTL_INTERFACE_SESSION, &reader_call);
    GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, command, TRUE);
    guint signals = g_dbus_connection_signal_subscribe(
        call.bus, CTL_BUS_NAME, CTL_INTERFACE_SESSION, NULL, session->path, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, handle_pin_signal, &call, NULL);
    GVariant *reply = run_session_call(
        session, &call,
        g_variant_new("(@ay@a{sv}@a{sv})", bytes, format, g_variant_new_parsed("@a{sv} {}")),
        error);

    g_dbus_connection_signal_unsubscribe(call.bus, signals);
    return take_bytes(reply);
}

GBytes *
ctl_session_control(CtlSession *session, guint32 code, GBytes *data, GError **error)
{
    GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, data, TRUE);

    return call_session_for_bytes(
        session, "Control",
        g_variant_new("(u@ay@a{sv})", code, bytes, g_variant_new_parsed("@a{sv} {}")), error);
}

char *
ctl_session_reset(CtlSession *session, gboolean cold, GError **error)
{
    static const CtlReaderCall reconnect = {"Reconnect", "(s)", WAITING_FOR_CARD};
    g_autoptr(GVariant) reply =
        call_session(session, &reconnect,
                     g_variant_new("(s@ass@a{sv})", "shared", get_protocols(session->reader),
                                   cold ? "unpower" : "reset", g_variant_new_parsed("@a{sv} {}")),
                     error);
    char *protocol = NULL;

    if (reply)
        g_variant_get(reply, "(s)", &protocol);
    return protocol;
}

GBytes *
ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error)
{
    return call_session_for_bytes(session, "GetAttribute",
                                  g_variant_new("(u@a{sv})", id, g_variant_new_parsed("@a{sv} {}")),
                                  error);
}
