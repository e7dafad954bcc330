/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SmartcarddSession: the reader's driver and attributes. */

#include "error.h"
#include "exchange.h"
#include "secret.h"
#include "wait.h"

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

/* A code that is not for PIN pads needs an authorization by polkit, and so a call over the bus. */
static void
control_over_bus(GTask *task)
{
    const DeviceCall *call = g_task_get_task_data(task);
    GVariant *input = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, call->input, TRUE);

    smartcardd_session_call_async(
        g_task_get_source_object(task), "Control", g_variant_new("(u@ay)", call->argument, input),
        call->timeout_ms, g_task_get_cancellable(task), smartcardd_bus_end_task_with_bytes, task);
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
 * @cancellable: (nullable): cancels the call
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
 * @cancellable: (nullable): cancels the call
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
 * @cancellable: (nullable): cancels the call
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
 * @cancellable: (nullable): cancels the call
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
 * @cancellable: (nullable): cancels the call
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
 * @cancellable: (nullable): cancels the call
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
