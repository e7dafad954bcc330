/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <unistd.h>

/* Frequent errors: translated, unlike the service's messages. */
static const struct {
    SmartcarddError code;
    const char *text;
} explanations[] = {
    {SMARTCARDD_ERROR_NO_SMARTCARD,
     N_("there is no card in the reader (run 'smartcardctl wait' to wait for one)")},
    {SMARTCARDD_ERROR_REMOVED_CARD, N_("the card was removed; insert it and start again")},
    {SMARTCARDD_ERROR_RESET_CARD, N_("the card was reset in the meantime; start again")},
    {SMARTCARDD_ERROR_SHARING_VIOLATION,
     N_("another program is using the card ('smartcardctl who' shows which one); wait until it has "
        "finished, or close it")},
    {SMARTCARDD_ERROR_UNPOWERED_CARD,
     N_("the card does not answer; insert it again if it can be removed, or use "
        "another reader")},
    {SMARTCARDD_ERROR_UNRESPONSIVE_CARD,
     N_("the card does not answer; insert it again if it can be removed, or use "
        "another reader")},
    {SMARTCARDD_ERROR_SECURITY_VIOLATION, N_("pcscd or the card denies access")},
    {SMARTCARDD_ERROR_NOT_TRANSACTED, N_("communication with the reader or the card failed")},
    {SMARTCARDD_ERROR_COMM_DATA_LOST, N_("communication with the reader or the card failed")},
    {SMARTCARDD_ERROR_NOT_READY, N_("the reader or the card is not ready; try again")},
    {SMARTCARDD_ERROR_UNSUPPORTED_FEATURE, N_("the reader or its driver does not support this")},
    {SMARTCARDD_ERROR_READER_UNSUPPORTED, N_("the reader or its driver does not support this")},
    {SMARTCARDD_ERROR_PROTO_MISMATCH, N_("the card does not support this protocol")},
    {SMARTCARDD_ERROR_UNSUPPORTED_CARD, N_("the reader cannot work with this card")},
    {SMARTCARDD_ERROR_CARD_UNSUPPORTED, N_("the reader cannot work with this card")},
    {SMARTCARDD_ERROR_NO_PIN_PAD, N_("the reader has no PIN pad for this")},
    {SMARTCARDD_ERROR_PIN_TIMEOUT, N_("no PIN was entered in time")},
    {SMARTCARDD_ERROR_PIN_CANCELLED, N_("the PIN entry was cancelled at the reader")},
    {SMARTCARDD_ERROR_PIN_MISMATCH, N_("the entries of the new PIN differ")},
    {SMARTCARDD_ERROR_PIN_LENGTH, N_("the PIN is too short or too long")},
    {SMARTCARDD_ERROR_READER_UNAVAILABLE, N_("the reader was disconnected")},
    {SMARTCARDD_ERROR_UNKNOWN_OBJECT, N_("the reader was disconnected")},
    {SMARTCARDD_ERROR_INVALID_HANDLE,
     N_("the connection to the card was closed by another program")},
};

/* "T=0", "T=1" or "raw"; NULL for any. */
static SmartcarddProtocols
parse_protocol(const char *word)
{
    if (!word)
        return SMARTCARDD_PROTOCOLS_ANY;
    if (g_str_equal(word, "raw"))
        return SMARTCARDD_PROTOCOLS_RAW;
    return g_str_equal(word, "T=0") ? SMARTCARDD_PROTOCOLS_T0 : SMARTCARDD_PROTOCOLS_T1;
}

CtlReader *
ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error)
{
    g_autoptr(CtlReader) reader = g_new0(CtlReader, 1);
    const char *selector = arguments->reader;

    reader->route = ctl_client_get_route(arguments, output);
    reader->client = ctl_client_load(&reader->route, error);
    SmartcarddReader *object =
        reader->client ? ctl_client_find_reader(reader->client, selector, error) : NULL;
    if (!object)
        return NULL;
    reader->object = g_object_ref(object);
    reader->protocols = parse_protocol(arguments->protocol);
    reader->name = g_strdup(selector ? selector : smartcardd_reader_get_name(object));
    if (!arguments->no_ask_password && !arguments->host)
        reader->agent = ctl_client_start_agent(reader->route.output);
    return g_steal_pointer(&reader);
}

void
ctl_reader_free(CtlReader *reader)
{
    ctl_client_stop_agent(reader->agent);
    g_clear_object(&reader->object);
    g_clear_object(&reader->client);
    g_free(reader->name);
    g_free(reader);
}

static gboolean
is_given_up(const GError *error)
{
    return g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_TIMEOUT) ||
           g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED);
}

/* A user whose command was given up wants to know whether the card has got it. */
static const char *
explain_giving_up(const CtlReader *reader, const GError *error)
{
    gboolean timeout = error->code == SMARTCARDD_ERROR_TIMEOUT;

    switch (reader->sends ? smartcardd_get_delivery(error) : SMARTCARDD_DELIVERY_UNKNOWN) {
    case SMARTCARDD_DELIVERY_SENT:
        return timeout ? _("the time ran out; the command was sent, its result is unknown")
                       : _("stopped; the command was sent, its result is unknown");
    case SMARTCARDD_DELIVERY_NOT_SENT:
        return timeout ? _("the time ran out; the command was not sent")
                       : _("stopped; the command was not sent");
    default:
        return timeout ? _("the time ran out") : _("stopped");
    }
}

/* Returns NULL if the message of the library has to do. */
static const char *
get_explanation(const CtlReader *reader, const GError *error)
{
    gboolean refused =
        g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_NOT_AUTHORIZED) ||
        g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_INTERACTION_REQUIRED);

    if (refused && reader->route.host)
        return _(
            "you are not allowed to do this through ssh; the administrator of the other machine "
            "can allow it by a rule of polkit");
    if (is_given_up(error))
        return explain_giving_up(reader, error);
    for (gsize i = 0; i < G_N_ELEMENTS(explanations); i++) {
        if (g_error_matches(error, SMARTCARDD_ERROR, (int)explanations[i].code))
            return _(explanations[i].text);
    }
    return NULL;
}

void
ctl_reader_propagate_error(const CtlReader *reader, GError **error, GError *call_error)
{
    if (ctl_waiting_has_cancelled_at_limit() &&
        g_error_matches(call_error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED))
        call_error->code = SMARTCARDD_ERROR_TIMEOUT;
    const char *explanation = get_explanation(reader, call_error);

    if (explanation) {
        g_free(call_error->message);
        call_error->message = g_strdup_printf(_("reader '%s': %s"), reader->name, explanation);
    } else {
        ctl_client_explain_error(call_error);
    }
    g_propagate_error(error, call_error);
}

/* polkit allows everything to root, and asks nobody through ssh. */
const char *
ctl_reader_get_access_status(const CtlReader *reader)
{
    gboolean is_asked = geteuid() != 0 && !reader->route.no_ask_password && !reader->route.host;

    return is_asked ? N_("Waiting for the reader, or for authentication.") : CTL_READER_WAITING;
}

gboolean
ctl_reader_begin_call(const CtlReader *reader, CtlWaiting *waiting, const char *status,
                      GError **error)
{
    GError *call_error = NULL;

    *waiting = ctl_client_get_waiting(&reader->route);
    waiting->status = _(status);
    if (ctl_waiting_begin_call(waiting, &call_error))
        return TRUE;
    ctl_reader_propagate_error(reader, error, call_error);
    return FALSE;
}

GBytes *
ctl_reader_control(const CtlReader *reader, guint32 code, GBytes *data, GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!ctl_reader_begin_call(reader, &waiting, ctl_reader_get_access_status(reader), error))
        return NULL;
    smartcardd_reader_control_async(reader->object, code, data, waiting.timeout_ms,
                                    waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    GBytes *response = smartcardd_reader_control_finish(reader->object, result, &call_error);
    if (!response)
        ctl_reader_propagate_error(reader, error, call_error);
    return response;
}

gboolean
ctl_reader_set_alias(const CtlReader *reader, const char *alias, SmartcarddAliasBinding binding,
                     GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!ctl_reader_begin_call(reader, &waiting, N_("Waiting for authentication."), error))
        return FALSE;
    smartcardd_reader_set_alias_async(reader->object, alias, binding, waiting.timeout_ms,
                                      waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    if (smartcardd_reader_set_alias_finish(reader->object, result, &call_error))
        return TRUE;
    ctl_reader_propagate_error(reader, error, call_error);
    return FALSE;
}

#define CLOSE_LIMIT_US (2 * G_USEC_PER_SEC)

#define WAITING_FOR_CARD N_("Waiting for the card to respond.")

struct CtlSession {
    CtlReader *reader;
    SmartcarddSession *object;
    SmartcarddTransaction *transaction; /* NULL for none */
    gboolean given_up; /* a command may be running: only the end of the process ends the session */
};

static gboolean
begin_session_call(CtlSession *session, CtlWaiting *waiting, const char *status, GError **error)
{
    gboolean begun = ctl_reader_begin_call(session->reader, waiting, status, error);

    session->given_up = session->given_up || !begun;
    return begun;
}

/* Takes call_error; returns FALSE if there is one. */
static gboolean
check_session_call(CtlSession *session, GError *call_error, GError **error)
{
    if (!call_error)
        return TRUE;
    session->given_up = session->given_up ||
                        g_error_matches(call_error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_TIMEOUT) ||
                        g_error_matches(call_error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED);
    ctl_reader_propagate_error(session->reader, error, call_error);
    return FALSE;
}

static CtlSession *
open_session(CtlReader *reader, SmartcarddShareMode share_mode, GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!ctl_reader_begin_call(reader, &waiting, ctl_reader_get_access_status(reader), error))
        return NULL;
    smartcardd_reader_open_session_async(reader->object, share_mode, reader->protocols,
                                         waiting.timeout_ms, waiting.cancellable,
                                         ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    SmartcarddSession *object =
        smartcardd_reader_open_session_finish(reader->object, result, &call_error);
    if (!object) {
        ctl_reader_propagate_error(reader, error, call_error);
        return NULL;
    }
    CtlSession *session = g_new0(CtlSession, 1);
    session->reader = reader;
    session->object = object;
    return session;
}

static CtlSession *
begin_session(CtlReader *reader, SmartcarddShareMode share_mode, GError **error)
{
    g_autoptr(CtlSession) session = open_session(reader, share_mode, error);
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!session || !begin_session_call(session, &waiting, CTL_READER_WAITING, error))
        return NULL;
    smartcardd_session_begin_transaction_async(session->object, waiting.timeout_ms,
                                               waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    session->transaction =
        smartcardd_session_begin_transaction_finish(session->object, result, &call_error);
    return check_session_call(session, call_error, error) ? g_steal_pointer(&session) : NULL;
}

CtlSession *
ctl_session_open(CtlReader *reader, GError **error)
{
    return open_session(reader, SMARTCARDD_SHARE_MODE_SHARED, error);
}

CtlSession *
ctl_session_begin(CtlReader *reader, GError **error)
{
    return begin_session(reader, SMARTCARDD_SHARE_MODE_SHARED, error);
}

CtlSession *
ctl_session_begin_direct(CtlReader *reader, GError **error)
{
    return begin_session(reader, SMARTCARDD_SHARE_MODE_DIRECT, error);
}

/*
 * Closing does not wait for other programs, so the time limit of the command is extended: otherwise
 * the card would be reset.
 */
static void
close_session(CtlSession *session)
{
    CtlWaiting waiting = ctl_client_get_waiting(&session->reader->route);

    waiting.end = MAX(waiting.end, ctl_waiting_get_end(CLOSE_LIMIT_US));
    if (!ctl_waiting_begin_call(&waiting, NULL))
        return;
    smartcardd_session_close_async(session->object, SMARTCARDD_DISPOSITION_LEAVE,
                                   waiting.timeout_ms, waiting.cancellable, ctl_waiting_finish,
                                   &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    smartcardd_session_close_finish(session->object, result, NULL);
}

void
ctl_session_free(CtlSession *session)
{
    if (!session->given_up)
        close_session(session);
    /* A session that is not closed must not be closed by its last reference: the card would be left
     * as it is. */
    if (!smartcardd_session_is_closed(session->object))
        ctl_client_disconnect(session->reader->client);
    g_clear_object(&session->transaction);
    g_clear_object(&session->object);
    g_free(session);
}

SmartcarddSession *
ctl_session_get_object(const CtlSession *session)
{
    return session->object;
}

const char *
ctl_session_get_protocol(const CtlSession *session)
{
    switch (smartcardd_session_get_protocol(session->object)) {
    case SMARTCARDD_PROTOCOLS_T0:
        return "T=0";
    case SMARTCARDD_PROTOCOLS_T1:
        return "T=1";
    case SMARTCARDD_PROTOCOLS_RAW:
        return "raw";
    default:
        return "";
    }
}

GBytes *
ctl_session_transmit(CtlSession *session, GBytes *command, gboolean follow, GError **error)
{
    SmartcarddSession *object = session->object;
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!begin_session_call(session, &waiting, WAITING_FOR_CARD, error))
        return NULL;
    if (follow)
        smartcardd_session_transmit_and_follow_async(
            object, command, waiting.timeout_ms, waiting.cancellable, ctl_waiting_finish, &waiting);
    else
        smartcardd_session_transmit_async(object, command, waiting.timeout_ms, waiting.cancellable,
                                          ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GBytes) response =
        follow ? smartcardd_session_transmit_and_follow_finish(object, result, &call_error)
               : smartcardd_session_transmit_finish(object, result, &call_error);
    return check_session_call(session, call_error, error) ? g_steal_pointer(&response) : NULL;
}

/* Without a terminal, the user is told as well. */
static void
handle_entry_started(SmartcarddSession *session, gboolean cancellable, CtlWaiting *waiting)
{
    ctl_waiting_change_status(waiting, _("Enter the PIN at the reader."));
    if (!waiting->output || !ctl_output_is_terminal(waiting->output))
        g_printerr("%s\n", _("Enter the PIN at the reader."));
}

static void
handle_entry_ended(SmartcarddSession *session, CtlWaiting *waiting)
{
    ctl_waiting_change_status(waiting, _(WAITING_FOR_CARD));
}

GBytes *
ctl_session_enter_pin(CtlSession *session, gboolean modify, GBytes *command, GVariant *format,
                      GError **error)
{
    SmartcarddSession *object = session->object;
    g_autoptr(SmartcarddCommand) apdu = smartcardd_command_new_from_bytes(command, error);
    g_autoptr(SmartcarddPinFormat) pin_format = smartcardd_pin_format_new_from_options(format);
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!apdu || !begin_session_call(session, &waiting, CTL_READER_WAITING, error))
        return NULL;
    g_signal_connect(object, "pin-entry-started", G_CALLBACK(handle_entry_started), &waiting);
    g_signal_connect(object, "pin-entry-ended", G_CALLBACK(handle_entry_ended), &waiting);
    if (modify)
        smartcardd_session_modify_pin_async(object, apdu, pin_format, waiting.timeout_ms,
                                            waiting.cancellable, ctl_waiting_finish, &waiting);
    else
        smartcardd_session_verify_pin_async(object, apdu, pin_format, waiting.timeout_ms,
                                            waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_signal_handlers_disconnect_by_data(object, &waiting);
    g_autoptr(GBytes) response = smartcardd_session_finish_pin_entry(object, result, &call_error);
    return check_session_call(session, call_error, error) ? g_steal_pointer(&response) : NULL;
}

GBytes *
ctl_session_control(CtlSession *session, guint32 code, GBytes *data, GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!begin_session_call(session, &waiting, WAITING_FOR_CARD, error))
        return NULL;
    smartcardd_session_control_async(session->object, code, data, waiting.timeout_ms,
                                     waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GBytes) response =
        smartcardd_session_control_finish(session->object, result, &call_error);
    return check_session_call(session, call_error, error) ? g_steal_pointer(&response) : NULL;
}

gboolean
ctl_session_reset(CtlSession *session, gboolean cold, GError **error)
{
    SmartcarddDisposition initialization =
        cold ? SMARTCARDD_DISPOSITION_UNPOWER : SMARTCARDD_DISPOSITION_RESET;
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!begin_session_call(session, &waiting, WAITING_FOR_CARD, error))
        return FALSE;
    smartcardd_session_reconnect_async(
        session->object, SMARTCARDD_SHARE_MODE_SHARED, session->reader->protocols, initialization,
        waiting.timeout_ms, waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    smartcardd_session_reconnect_finish(session->object, result, &call_error);
    return check_session_call(session, call_error, error);
}

GBytes *
ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!begin_session_call(session, &waiting, WAITING_FOR_CARD, error))
        return NULL;
    smartcardd_session_get_attribute_async(session->object, id, waiting.timeout_ms,
                                           waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GBytes) value =
        smartcardd_session_get_attribute_finish(session->object, result, &call_error);
    return check_session_call(session, call_error, error) ? g_steal_pointer(&value) : NULL;
}
