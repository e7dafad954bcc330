/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SmartcarddSession: PINs that the user enters at the reader. The service talks to the reader; a
 * service that is too old for that passes on the structure that the library builds for the driver.
 */

#include "command.h"
#include "error.h"
#include "pin-format.h"
#include "secret.h"
#include "session.h"
#include "wait.h"

#define GET_FEATURE_REQUEST 0x42000D48u
#define FEATURE_VERIFY_PIN_DIRECT 0x06
#define FEATURE_LENGTH 6 /* tag, length, and a code in four bytes, big-endian */

typedef struct {
    SmartcarddCommand *command;
    SmartcarddPinFormat *format;
    gint timeout_ms;
    guint16 status_word;
    GBytes *response; /* NULL before it has come */
} PinEntry;

static void
free_pin_entry(gpointer data)
{
    PinEntry *entry = data;

    g_object_unref(entry->command);
    g_object_unref(entry->format);
    g_clear_pointer(&entry->response, g_bytes_unref);
    g_free(entry);
}

/* Ends the task with the status word of a response. */
static void
return_response(GTask *task, const guint8 *response, gsize length)
{
    PinEntry *entry = g_task_get_task_data(task);

    if (length < 2) {
        g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_COMM_DATA_LOST,
                                "the reader returned no status word");
        return;
    }
    entry->status_word = (guint16)(response[length - 2] << 8 | response[length - 1]);
    entry->response = smartcardd_secret_new(response, length);
    g_task_return_boolean(task, TRUE);
}

/* Sets the error for a status word of the reader (PC/SC part 10), as newer services do. */
static void
set_error_of_reader(const guint8 *response, gsize length, GError **error)
{
    static const SmartcarddError codes[] = {
        SMARTCARDD_ERROR_PIN_TIMEOUT, SMARTCARDD_ERROR_PIN_CANCELLED, SMARTCARDD_ERROR_PIN_MISMATCH,
        SMARTCARDD_ERROR_PIN_LENGTH};

    if (length == 2 && response[0] == 0x64 && response[1] < G_N_ELEMENTS(codes))
        smartcardd_error_set_own(error, codes[response[1]]);
}

static void
handle_driver_answer(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GBytes) response =
        smartcardd_session_control_finish(SMARTCARDD_SESSION(source), result, &error);
    gsize length = 0;
    const guint8 *bytes = response ? g_bytes_get_data(response, &length) : NULL;

    if (response)
        set_error_of_reader(bytes, length, &error);
    if (error)
        g_task_return_error(task, error);
    else
        return_response(task, bytes, length);
}

/* Returns 0 if the driver does not announce the feature. */
static guint32
find_feature(GBytes *features, guint8 tag)
{
    gsize length;
    const guint8 *at = g_bytes_get_data(features, &length);

    for (; length >= FEATURE_LENGTH; at += FEATURE_LENGTH, length -= FEATURE_LENGTH)
        if (at[0] == tag && at[1] == 4)
            return (guint32)at[2] << 24 | (guint32)at[3] << 16 | (guint32)at[4] << 8 | at[5];
    return 0;
}

static void
handle_features(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    const PinEntry *entry = g_task_get_task_data(task);
    SmartcarddSession *self = SMARTCARDD_SESSION(source);
    GError *error = NULL;
    g_autoptr(GBytes) features = smartcardd_session_control_finish(self, result, NULL);
    guint32 code = features ? find_feature(features, FEATURE_VERIFY_PIN_DIRECT) : 0;

    if (code == 0) {
        smartcardd_error_set_own(&error, SMARTCARDD_ERROR_NO_PIN_PAD);
        g_task_return_error(task, error);
        return;
    }
    g_autoptr(GBytes) command = smartcardd_command_to_bytes(entry->command);
    g_autoptr(GBytes) input = smartcardd_pin_format_new_verification(entry->format, command);
    GCancellable *cancellable = g_task_get_cancellable(task);
    smartcardd_session_control_async(self, code, input, entry->timeout_ms, cancellable,
                                     handle_driver_answer, g_steal_pointer(&task));
}

static void
verify_by_driver(GTask *task)
{
    const PinEntry *entry = g_task_get_task_data(task);

    smartcardd_session_control_async(g_task_get_source_object(task), GET_FEATURE_REQUEST, NULL,
                                     entry->timeout_ms, g_task_get_cancellable(task),
                                     handle_features, task);
}

static void
handle_entered(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &error);

    if (reply && g_variant_is_of_type(reply, G_VARIANT_TYPE("(ay)"))) {
        g_autoptr(GVariant) value = g_variant_get_child_value(reply, 0);
        gsize length;
        const guint8 *response = g_variant_get_fixed_array(value, &length, 1);
        return_response(task, response, length);
    } else if (reply) {
        return_response(task, NULL, 0);
    } else {
        g_task_return_error(task, error);
    }
}

static void
call_for_entry(GTask *task, const char *method, GVariant *format)
{
    const PinEntry *entry = g_task_get_task_data(task);
    g_autoptr(GBytes) bytes = smartcardd_command_to_bytes(entry->command);
    GVariant *command = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);

    smartcardd_session_call_async(g_task_get_source_object(task), method,
                                  g_variant_new("(@ay@a{sv})", command, format), entry->timeout_ms,
                                  g_task_get_cancellable(task), handle_entered, task);
}

/* Takes the entry. */
static void
start_entry(GTask *task, PinEntry *entry)
{
    SmartcarddSession *self = g_task_get_source_object(task);
    gboolean modify = g_task_get_source_tag(task) == smartcardd_session_modify_pin_async;

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_task_data(task, entry, free_pin_entry);
    if (smartcardd_bus_has_feature(self->bus, SMARTCARDD_FEATURE_PIN_ENTRY)) {
        call_for_entry(task, modify ? "ModifyPin" : "VerifyPin",
                       smartcardd_pin_format_to_variant(entry->format, modify));
    } else if (modify || smartcardd_pin_format_has_options(entry->format)) {
        g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_SERVICE_TOO_OLD,
                                "the running service is too old to have a PIN entered in this way");
        g_object_unref(task);
    } else {
        verify_by_driver(task);
    }
}

static PinEntry *
new_entry(SmartcarddCommand *command, SmartcarddPinFormat *format, gint timeout_ms)
{
    PinEntry *entry = g_new0(PinEntry, 1);

    entry->command = g_object_ref(command);
    entry->format = g_object_ref(format);
    entry->timeout_ms = timeout_ms;
    return entry;
}

static gboolean
finish_entry(GAsyncResult *result, guint16 *status_word, GError **error)
{
    const PinEntry *entry = g_task_get_task_data(G_TASK(result));

    if (status_word)
        *status_word = entry->status_word;
    return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * smartcardd_session_finish_pin_entry:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Ends [method@Session.verify_pin_async] or [method@Session.modify_pin_async] in place of their own
 * functions, for a command whose response has data.
 *
 * Returns: (transfer full): the response, whose last two bytes are the status word
 */
GBytes *
smartcardd_session_finish_pin_entry(SmartcarddSession *self, GAsyncResult *result, GError **error)
{
    const PinEntry *entry = g_task_get_task_data(G_TASK(result));

    return g_task_propagate_boolean(G_TASK(result), error) ? g_bytes_ref(entry->response) : NULL;
}

/**
 * smartcardd_session_verify_pin_async:
 * @self: a session
 * @command: the command, such as VERIFY, with a field for the PIN in its data
 * @format: where the reader writes the PIN
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE
 * @cancellable: (nullable): ends the call; the reader ends the entry if it can
 * @callback: (scope async) (closure data): called when the user has entered the PIN
 * @data: data for the callback
 *
 * Has the user enter a PIN at the reader, which sends it to the card: the computer never has it.
 * Tell the user to enter it at [signal@Session::pin-entry-started].
 *
 * Fails with %SMARTCARDD_ERROR_NO_PIN_PAD if the reader has no PIN pad, see
 * [method@Reader.has_feature]; with %SMARTCARDD_ERROR_PIN_TIMEOUT or
 * %SMARTCARDD_ERROR_PIN_CANCELLED if the user entered nothing, or pressed the cancel key; and with
 * %SMARTCARDD_ERROR_PIN_LENGTH if the PIN has too few or too many digits.
 *
 * With an old service, the entry cannot be cancelled, and has no signals.
 */
void
smartcardd_session_verify_pin_async(SmartcarddSession *self, SmartcarddCommand *command,
                                    SmartcarddPinFormat *format, gint timeout_ms,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);

    g_task_set_source_tag(task, smartcardd_session_verify_pin_async);
    start_entry(task, new_entry(command, format, timeout_ms));
}

/**
 * smartcardd_session_verify_pin_finish:
 * @self: a session
 * @result: the result of the call
 * @status_word: (out) (optional): return location for the status word of the card, such as 0x9000,
 *   or 0x63C2 for a wrong PIN with two tries left
 * @error: return location for an error
 *
 * Returns: %TRUE if there is a status word, or %FALSE with an error
 */
gboolean
smartcardd_session_verify_pin_finish(SmartcarddSession *self, GAsyncResult *result,
                                     guint16 *status_word, GError **error)
{
    return finish_entry(result, status_word, error);
}

/**
 * smartcardd_session_verify_pin:
 * @self: a session
 * @command: the command, such as VERIFY, with a field for the PIN in its data
 * @format: where the reader writes the PIN
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE
 * @cancellable: (nullable): ends the call; the reader ends the entry if it can
 * @status_word: (out) (optional): return location for the status word of the card
 * @error: return location for an error
 *
 * Has the user enter a PIN at the reader, see [method@Session.verify_pin_async]. Blocks until the
 * user has done so; signals come afterwards.
 *
 * Returns: %TRUE if there is a status word, or %FALSE with an error
 */
gboolean
smartcardd_session_verify_pin(SmartcarddSession *self, SmartcarddCommand *command,
                              SmartcarddPinFormat *format, gint timeout_ms,
                              GCancellable *cancellable, guint16 *status_word, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_session_verify_pin_async(self, command, format, timeout_ms, cancellable,
                                        smartcardd_wait_callback, &wait);
    gboolean ok =
        smartcardd_session_verify_pin_finish(self, smartcardd_wait_end(&wait), status_word, error);
    smartcardd_wait_clear(&wait);
    return ok;
}

/**
 * smartcardd_session_modify_pin_async:
 * @self: a session
 * @command: the command, such as CHANGE REFERENCE DATA, with fields for the PINs in its data
 * @format: where the reader writes the PINs
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE
 * @cancellable: (nullable): ends the call; the reader ends the entry if it can
 * @callback: (scope async) (closure data): called when the user has entered the PINs
 * @data: data for the callback
 *
 * Has the user change a PIN at the reader: the user enters the current PIN, the new one, and the
 * new one again, which the format can change.
 *
 * Fails as [method@Session.verify_pin_async] does; with %SMARTCARDD_ERROR_PIN_MISMATCH if the new
 * PINs differ; and with %SMARTCARDD_ERROR_SERVICE_TOO_OLD if the service is too old.
 */
void
smartcardd_session_modify_pin_async(SmartcarddSession *self, SmartcarddCommand *command,
                                    SmartcarddPinFormat *format, gint timeout_ms,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);

    g_task_set_source_tag(task, smartcardd_session_modify_pin_async);
    start_entry(task, new_entry(command, format, timeout_ms));
}

/**
 * smartcardd_session_modify_pin_finish:
 * @self: a session
 * @result: the result of the call
 * @status_word: (out) (optional): return location for the status word of the card, such as 0x9000
 * @error: return location for an error
 *
 * Returns: %TRUE if there is a status word, or %FALSE with an error
 */
gboolean
smartcardd_session_modify_pin_finish(SmartcarddSession *self, GAsyncResult *result,
                                     guint16 *status_word, GError **error)
{
    return finish_entry(result, status_word, error);
}

/**
 * smartcardd_session_modify_pin:
 * @self: a session
 * @command: the command, such as CHANGE REFERENCE DATA, with fields for the PINs in its data
 * @format: where the reader writes the PINs
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE
 * @cancellable: (nullable): ends the call; the reader ends the entry if it can
 * @status_word: (out) (optional): return location for the status word of the card
 * @error: return location for an error
 *
 * Has the user change a PIN at the reader, see [method@Session.modify_pin_async]. Blocks until the
 * user has done so; signals come afterwards.
 *
 * Returns: %TRUE if there is a status word, or %FALSE with an error
 */
gboolean
smartcardd_session_modify_pin(SmartcarddSession *self, SmartcarddCommand *command,
                              SmartcarddPinFormat *format, gint timeout_ms,
                              GCancellable *cancellable, guint16 *status_word, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_session_modify_pin_async(self, command, format, timeout_ms, cancellable,
                                        smartcardd_wait_callback, &wait);
    gboolean ok =
        smartcardd_session_modify_pin_finish(self, smartcardd_wait_end(&wait), status_word, error);
    smartcardd_wait_clear(&wait);
    return ok;
}
