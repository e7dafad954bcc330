/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SmartcarddClient: lists that the service makes for each call. */

#include "client-state.h"
#include "error.h"
#include "wait.h"

static void
handle_list(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &error);

    if (reply && !g_variant_is_of_type(reply, G_VARIANT_TYPE("(aa{sv})")))
        smartcardd_error_set_invalid_reply(&error);
    if (error)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, g_variant_get_child_value(reply, 0),
                              (GDestroyNotify)g_variant_unref);
}

/* Takes the task. */
static void
request_list(GTask *task, const char *method)
{
    SmartcarddClient *self = g_task_get_source_object(task);
    const SmartcarddCall call = {.path = SMARTCARDD_ROOT_PATH,
                                 .interface = SMARTCARDD_MANAGER_INTERFACE,
                                 .method = method,
                                 .is_plain = TRUE};

    if (self->bus) {
        smartcardd_bus_call_async(self->bus, &call, g_task_get_cancellable(task), handle_list,
                                  task);
        return;
    }
    g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_SERVICE_UNREACHABLE,
                            "the system bus has gone");
    g_object_unref(task);
}

/**
 * smartcardd_client_list_sessions_async:
 * @self: a client
 * @cancellable: (nullable): ends the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Lists the sessions of all programs: those of the same user, or of all users for root.
 */
void
smartcardd_client_list_sessions_async(SmartcarddClient *self, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);

    g_task_set_source_tag(task, smartcardd_client_list_sessions_async);
    request_list(task, "ListSessions");
}

/**
 * smartcardd_client_list_sessions_finish:
 * @self: a client
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): an array of dictionaries (aa{sv}) with the keys of ListSessions in
 *   org.smartcardd1(5), such as "reader", "pid" and "in-transaction"
 */
GVariant *
smartcardd_client_list_sessions_finish(SmartcarddClient *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_client_list_sessions:
 * @self: a client
 * @cancellable: (nullable): ends the call
 * @error: return location for an error
 *
 * Lists the sessions of all programs: those of the same user, or of all users for root. Blocks
 * until the call has ended.
 *
 * Returns: (transfer full): an array of dictionaries (aa{sv}) with the keys of ListSessions in
 *   org.smartcardd1(5), such as "reader", "pid" and "in-transaction"
 */
GVariant *
smartcardd_client_list_sessions(SmartcarddClient *self, GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_client_list_sessions_async(self, cancellable, smartcardd_wait_callback, &wait);
    GVariant *list =
        smartcardd_client_list_sessions_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return list;
}

/**
 * smartcardd_client_list_unserved_devices_async:
 * @self: a client
 * @cancellable: (nullable): ends the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Lists the USB devices that look like readers, but are not among the readers, with the reason.
 */
void
smartcardd_client_list_unserved_devices_async(SmartcarddClient *self, GCancellable *cancellable,
                                              GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);

    g_task_set_source_tag(task, smartcardd_client_list_unserved_devices_async);
    request_list(task, "ListUnservedDevices");
}

/**
 * smartcardd_client_list_unserved_devices_finish:
 * @self: a client
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): an array of dictionaries (aa{sv}) with the keys of ListUnservedDevices
 *   in org.smartcardd1(5), such as "usb-port" and "message"
 */
GVariant *
smartcardd_client_list_unserved_devices_finish(SmartcarddClient *self, GAsyncResult *result,
                                               GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_client_list_unserved_devices:
 * @self: a client
 * @cancellable: (nullable): ends the call
 * @error: return location for an error
 *
 * Lists the USB devices that look like readers, but are not among the readers, with the reason.
 * Blocks until the call has ended.
 *
 * Returns: (transfer full): an array of dictionaries (aa{sv}) with the keys of ListUnservedDevices
 *   in org.smartcardd1(5), such as "usb-port" and "message"
 */
GVariant *
smartcardd_client_list_unserved_devices(SmartcarddClient *self, GCancellable *cancellable,
                                        GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_client_list_unserved_devices_async(self, cancellable, smartcardd_wait_callback,
                                                  &wait);
    GVariant *list =
        smartcardd_client_list_unserved_devices_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return list;
}
