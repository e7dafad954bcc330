/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session.h"

#define CLOSE_LIMIT_US (2 * G_USEC_PER_SEC)

#define WAITING_FOR_CARD N_("Waiting for the card to respond.")

struct CtlSession {
    CtlReader *reader;
    SmartcarddSession *object;
    SmartcarddTransaction *transaction; /* NULL for none */
    gboolean given_up; /* a command may be running: only the end of the process ends the session */
};

static gboolean
begin_call(CtlSession *session, CtlWaiting *waiting, const char *status, GError **error)
{
    gboolean begun = ctl_reader_begin_call(session->reader, waiting, status, error);

    session->given_up = session->given_up || !begun;
    return begun;
}

/* Takes call_error; returns FALSE if there is one. */
static gboolean
check_call(CtlSession *session, GError *call_error, GError **error)
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

    if (!session || !begin_call(session, &waiting, CTL_READER_WAITING, error))
        return NULL;
    smartcardd_session_begin_transaction_async(session->object, waiting.timeout_ms,
                                               waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    session->transaction =
        smartcardd_session_begin_transaction_finish(session->object, result, &call_error);
    return check_call(session, call_error, error) ? g_steal_pointer(&session) : NULL;
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

    if (!begin_call(session, &waiting, WAITING_FOR_CARD, error))
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
    return check_call(session, call_error, error) ? g_steal_pointer(&response) : NULL;
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

    if (!apdu || !begin_call(session, &waiting, CTL_READER_WAITING, error))
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
    return check_call(session, call_error, error) ? g_steal_pointer(&response) : NULL;
}

GBytes *
ctl_session_control(CtlSession *session, guint32 code, GBytes *data, GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!begin_call(session, &waiting, WAITING_FOR_CARD, error))
        return NULL;
    smartcardd_session_control_async(session->object, code, data, waiting.timeout_ms,
                                     waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GBytes) response =
        smartcardd_session_control_finish(session->object, result, &call_error);
    return check_call(session, call_error, error) ? g_steal_pointer(&response) : NULL;
}

gboolean
ctl_session_reset(CtlSession *session, gboolean cold, GError **error)
{
    SmartcarddDisposition initialization =
        cold ? SMARTCARDD_DISPOSITION_UNPOWER : SMARTCARDD_DISPOSITION_RESET;
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!begin_call(session, &waiting, WAITING_FOR_CARD, error))
        return FALSE;
    smartcardd_session_reconnect_async(
        session->object, SMARTCARDD_SHARE_MODE_SHARED, session->reader->protocols, initialization,
        waiting.timeout_ms, waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    smartcardd_session_reconnect_finish(session->object, result, &call_error);
    return check_call(session, call_error, error);
}

GBytes *
ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!begin_call(session, &waiting, WAITING_FOR_CARD, error))
        return NULL;
    smartcardd_session_get_attribute_async(session->object, id, waiting.timeout_ms,
                                           waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GBytes) value =
        smartcardd_session_get_attribute_finish(session->object, result, &call_error);
    return check_call(session, call_error, error) ? g_steal_pointer(&value) : NULL;
}
