/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SmartcarddSession: the reader's driver and attributes, and PINs that are entered at the reader.
 */

#include "command.h"
#include "error.h"
#include "exchange.h"
#include "pin-format.h"
#include "secret.h"
#include "wait.h"

#define GET_FEATURE_REQUEST 0x42000D48u
#define FEATURE_VERIFY_PIN_DIRECT 0x06
#define FEATURE_LENGTH 6 /* tag, length, and a code in four bytes, big-endian */

/* An operation with the driver; if the channel refuses a control code, once more over the bus. */
typedef struct {
    ScdFrameOperation operation;
    guint32 argument;
    GBytes *input;
    gint timeout_ms;
} DeviceCall;

static void
free_device_call(gpointer data)
{
    DeviceCall *call = data;

    g_clear_pointer(&call->input, g_bytes_unref);
    g_free(call);
}

static void
return_reply(GTask *task, GVariant *reply)
{
    g_autoptr(GVariant) value = NULL;
    gsize length;

    if (!g_variant_is_of_type(reply, G_VARIANT_TYPE("(ay)"))) {
        g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_COMM_ERROR,
                                "the service sent an invalid reply");
        return;
    }
    value = g_variant_get_child_value(reply, 0);
    gconstpointer bytes = g_variant_get_fixed_array(value, &length, 1);
    g_task_return_pointer(task, smartcardd_secret_new(bytes, length),
                          (GDestroyNotify)g_bytes_unref);
}

static void
handle_control_reply(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &error);

    if (reply)
        return_reply(task, reply);
    else
        g_task_return_error(task, error);
}

/* polkit is asked about a code that is not for PIN pads, which takes a call over the bus. */
static void
control_over_bus(GTask *task)
{
    const DeviceCall *call = g_task_get_task_data(task);
    GVariant *input = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, call->input, TRUE);

    smartcardd_session_call_async(g_task_get_source_object(task), "Control",
                                  g_variant_new("(u@ay)", call->argument, input), call->timeout_ms,
                                  g_task_get_cancellable(task), handle_control_reply, task);
}

static void
end_device_call(SmartcarddRequest *request, gpointer data)
{
    GTask *task = data;
    const DeviceCall *call = g_task_get_task_data(task);
    GError *error = NULL;

    if (smartcardd_exchange_is_unresolved(g_task_get_source_object(task), request))
        return;
    if (smartcardd_request_check(request, &error)) {
        g_task_return_pointer(task, g_bytes_ref(request->response), (GDestroyNotify)g_bytes_unref);
        g_object_unref(task);
    } else if (call->operation == SCD_FRAME_CONTROL &&
               g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_SECURITY_VIOLATION)) {
        g_clear_error(&error);
        control_over_bus(task);
    } else {
        g_task_return_error(task, error);
        g_object_unref(task);
    }
    smartcardd_request_unref(request);
}

static void
start_device_call(GTask *task)
{
    const DeviceCall *call = g_task_get_task_data(task);
    SmartcarddRequest *request =
        smartcardd_request_new(call->operation, call->argument, call->timeout_ms);
    gsize length;
    gconstpointer bytes = g_bytes_get_data(call->input, &length);

    smartcardd_request_add_part(request, bytes, length);
    request->done = end_device_call;
    request->data = task;
    smartcardd_exchange_start(g_task_get_source_object(task), &request, 1,
                              g_task_get_cancellable(task));
}

static GTask *
new_device_task(SmartcarddSession *self, const DeviceCall *call, GCancellable *cancellable,
                GAsyncReadyCallback callback, gpointer data, gpointer tag)
{
    GTask *task = g_task_new(self, cancellable, callback, data);

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, tag);
    g_task_set_task_data(task, g_memdup2(call, sizeof *call), free_device_call);
    return task;
}

/**
 * smartcardd_session_control_async:
 * @self: a session
 * @code: a control code of the driver
 * @input: (nullable): input for the driver
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): takes the call back
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Sends a command to the driver of the reader. Codes that are not for PIN pads need the permission
 * of an administrator.
 */
void
smartcardd_session_control_async(SmartcarddSession *self, guint32 code, GBytes *input,
                                 gint timeout_ms, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer data)
{
    const DeviceCall call = {.operation = SCD_FRAME_CONTROL,
                             .argument = code,
                             .input = input ? g_bytes_ref(input) : g_bytes_new(NULL, 0),
                             .timeout_ms = timeout_ms};

    start_device_call(new_device_task(self, &call, cancellable, callback, data,
                                      smartcardd_session_control_async));
}

/**
 * smartcardd_session_control_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the output of the driver
 */
GBytes *
smartcardd_session_control_finish(SmartcarddSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_session_control:
 * @self: a session
 * @code: a control code of the driver
 * @input: (nullable): input for the driver
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): takes the call back
 * @error: return location for an error
 *
 * Sends a command to the driver of the reader. Codes that are not for PIN pads need the permission
 * of an administrator. Blocks until the call has ended.
 *
 * Returns: (transfer full): the output of the driver
 */
GBytes *
smartcardd_session_control(SmartcarddSession *self, guint32 code, GBytes *input, gint timeout_ms,
                           GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_session_control_async(self, code, input, timeout_ms, cancellable,
                                     smartcardd_wait_callback, &wait);
    GBytes *value = smartcardd_session_control_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}

/**
 * smartcardd_session_get_attribute_async:
 * @self: a session
 * @attribute: an attribute of PC/SC part 3, such as 0x90303 for the ATR
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): takes the call back
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Reads an attribute of the reader or the card.
 */
void
smartcardd_session_get_attribute_async(SmartcarddSession *self, guint32 attribute, gint timeout_ms,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer data)
{
    const DeviceCall call = {.operation = SCD_FRAME_GET_ATTRIBUTE,
                             .argument = attribute,
                             .input = g_bytes_new(NULL, 0),
                             .timeout_ms = timeout_ms};

    start_device_call(new_device_task(self, &call, cancellable, callback, data,
                                      smartcardd_session_get_attribute_async));
}

/**
 * smartcardd_session_get_attribute_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the value of the attribute
 */
GBytes *
smartcardd_session_get_attribute_finish(SmartcarddSession *self, GAsyncResult *result,
                                        GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_session_get_attribute:
 * @self: a session
 * @attribute: an attribute of PC/SC part 3, such as 0x90303 for the ATR
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): takes the call back
 * @error: return location for an error
 *
 * Reads an attribute of the reader or the card. Blocks until the call has ended.
 *
 * Returns: (transfer full): the value of the attribute
 */
GBytes *
smartcardd_session_get_attribute(SmartcarddSession *self, guint32 attribute, gint timeout_ms,
                                 GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_session_get_attribute_async(self, attribute, timeout_ms, cancellable,
                                           smartcardd_wait_callback, &wait);
    GBytes *value =
        smartcardd_session_get_attribute_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}

/**
 * smartcardd_session_set_attribute_async:
 * @self: a session
 * @attribute: an attribute of PC/SC part 3
 * @value: the new value
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): takes the call back
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Sets an attribute of the reader. Needs the permission of an administrator.
 */
void
smartcardd_session_set_attribute_async(SmartcarddSession *self, guint32 attribute, GBytes *value,
                                       gint timeout_ms, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(self, NULL, callback, data);
    GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, value, TRUE);

    g_task_set_source_tag(task, smartcardd_session_set_attribute_async);
    smartcardd_session_call_async(self, "SetAttribute", g_variant_new("(u@ay)", attribute, bytes),
                                  timeout_ms, cancellable, smartcardd_bus_end_task, task);
}

/**
 * smartcardd_session_set_attribute_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_session_set_attribute_finish(SmartcarddSession *self, GAsyncResult *result,
                                        GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * smartcardd_session_set_attribute:
 * @self: a session
 * @attribute: an attribute of PC/SC part 3
 * @value: the new value
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): takes the call back
 * @error: return location for an error
 *
 * Sets an attribute of the reader. Needs the permission of an administrator. Blocks until the call
 * has ended.
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_session_set_attribute(SmartcarddSession *self, guint32 attribute, GBytes *value,
                                 gint timeout_ms, GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_session_set_attribute_async(self, attribute, value, timeout_ms, cancellable,
                                           smartcardd_wait_callback, &wait);
    gboolean is_set =
        smartcardd_session_set_attribute_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return is_set;
}

typedef struct {
    SmartcarddCommand *command;
    SmartcarddPinFormat *format;
    gint timeout_ms;
    guint16 status_word;
} PinEntry;

static void
free_pin_entry(gpointer data)
{
    PinEntry *entry = data;

    g_object_unref(entry->command);
    g_object_unref(entry->format);
    g_free(entry);
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
handle_pin_entered(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    PinEntry *entry = g_task_get_task_data(task);
    GError *error = NULL;
    g_autoptr(GBytes) response =
        smartcardd_session_control_finish(SMARTCARDD_SESSION(source), result, &error);
    gsize length = 0;
    const guint8 *bytes = response ? g_bytes_get_data(response, &length) : NULL;

    if (!response) {
        g_task_return_error(task, error);
        return;
    }
    if (length < 2) {
        g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_COMM_DATA_LOST,
                                "the reader returned no status word");
        return;
    }
    entry->status_word = (guint16)(bytes[length - 2] << 8 | bytes[length - 1]);
    g_task_return_boolean(task, TRUE);
}

static void
handle_features(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    const PinEntry *entry = g_task_get_task_data(task);
    SmartcarddSession *self = SMARTCARDD_SESSION(source);
    g_autoptr(GBytes) features = smartcardd_session_control_finish(self, result, NULL);
    guint32 code = features ? find_feature(features, FEATURE_VERIFY_PIN_DIRECT) : 0;

    if (code == 0) {
        g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_UNSUPPORTED_FEATURE,
                                "the reader has no PIN pad");
        return;
    }
    g_autoptr(GBytes) command = smartcardd_command_to_bytes(entry->command);
    g_autoptr(GBytes) input = smartcardd_pin_format_new_verification(entry->format, command);
    GCancellable *cancellable = g_task_get_cancellable(task);
    smartcardd_session_control_async(self, code, input, entry->timeout_ms, cancellable,
                                     handle_pin_entered, g_steal_pointer(&task));
}

/**
 * smartcardd_session_verify_pin_async:
 * @self: a session
 * @command: the command, such as VERIFY, with a field for the PIN in its data
 * @format: where the reader writes the PIN
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE
 * @cancellable: (nullable): takes the call back, unless the reader waits for the PIN already
 * @callback: (scope async) (closure data): called when the user has entered the PIN
 * @data: data for the callback
 *
 * Has the user enter a PIN at the reader, which sends it to the card: the computer never has it.
 *
 * Fails with %SMARTCARDD_ERROR_UNSUPPORTED_FEATURE if the reader has no PIN pad, see
 * [method@Reader.has_feature].
 */
void
smartcardd_session_verify_pin_async(SmartcarddSession *self, SmartcarddCommand *command,
                                    SmartcarddPinFormat *format, gint timeout_ms,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);
    PinEntry *entry = g_new0(PinEntry, 1);

    entry->command = g_object_ref(command);
    entry->format = g_object_ref(format);
    entry->timeout_ms = timeout_ms;
    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, smartcardd_session_verify_pin_async);
    g_task_set_task_data(task, entry, free_pin_entry);
    smartcardd_session_control_async(self, GET_FEATURE_REQUEST, NULL, timeout_ms, cancellable,
                                     handle_features, task);
}

/**
 * smartcardd_session_verify_pin_finish:
 * @self: a session
 * @result: the result of the call
 * @status_word: (out) (optional): return location for the status word of the card, or of the
 *   reader: 0x6400 if the user entered nothing, 0x6401 if the user cancelled
 * @error: return location for an error
 *
 * Returns: %TRUE if there is a status word, or %FALSE with an error
 */
gboolean
smartcardd_session_verify_pin_finish(SmartcarddSession *self, GAsyncResult *result,
                                     guint16 *status_word, GError **error)
{
    const PinEntry *entry = g_task_get_task_data(G_TASK(result));

    if (status_word)
        *status_word = entry->status_word;
    return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * smartcardd_session_verify_pin:
 * @self: a session
 * @command: the command, such as VERIFY, with a field for the PIN in its data
 * @format: where the reader writes the PIN
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE
 * @cancellable: (nullable): takes the call back, unless the reader waits for the PIN already
 * @status_word: (out) (optional): return location for the status word of the card, or of the
 *   reader: 0x6400 if the user entered nothing, 0x6401 if the user cancelled
 * @error: return location for an error
 *
 * Has the user enter a PIN at the reader, see [method@Session.verify_pin_async]. Blocks until the
 * user has done so.
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
