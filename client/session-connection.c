/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SmartcarddSession: reconnect and close. */

#include "error.h"
#include "session.h"
#include "wait.h"
#include "words.h"

static void
handle_new_channel(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;

    if (smartcardd_session_open_channel_finish(result, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static void
handle_reconnected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    SmartcarddSession *self = g_task_get_source_object(task);
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &error);
    const char *protocol = "";

    if (!reply) {
        g_task_return_error(task, error);
        return;
    }
    if (g_variant_is_of_type(reply, G_VARIANT_TYPE("(s)")))
        g_variant_get(reply, "(&s)", &protocol);
    smartcardd_session_set_connection(
        self, (SmartcarddShareMode)GPOINTER_TO_INT(g_task_get_task_data(task)),
        smartcardd_protocol_of_word(protocol));
    smartcardd_session_open_channel_async(self, handle_new_channel, g_steal_pointer(&task));
}

/**
 * smartcardd_session_reconnect_async:
 * @self: a session
 * @share_mode: how to share the card with others
 * @protocols: the protocols that are acceptable
 * @initialization: what to do with the card before; not eject
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Connects to the card once more: after another program has reset it, after another card was
 * inserted, or to change the share mode.
 */
void
smartcardd_session_reconnect_async(SmartcarddSession *self, SmartcarddShareMode share_mode,
                                   SmartcarddProtocols protocols,
                                   SmartcarddDisposition initialization, gint timeout_ms,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data)
{
    GTask *task = g_task_new(self, NULL, callback, data);
    GVariant *arguments = g_variant_new("(s@ass)", smartcardd_share_mode_word(share_mode),
                                        smartcardd_protocol_words(protocols),
                                        smartcardd_disposition_word(initialization));

    g_task_set_source_tag(task, smartcardd_session_reconnect_async);
    g_task_set_task_data(task, GINT_TO_POINTER(share_mode), NULL);
    smartcardd_session_call_async(self, "Reconnect", arguments, timeout_ms, cancellable,
                                  handle_reconnected, task);
}

/**
 * smartcardd_session_reconnect_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_session_reconnect_finish(SmartcarddSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * smartcardd_session_reconnect:
 * @self: a session
 * @share_mode: how to share the card with others
 * @protocols: the protocols that are acceptable
 * @initialization: what to do with the card before; not eject
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Connects to the card once more: after another program has reset it, after another card was
 * inserted, or to change the share mode. Blocks until the call has ended.
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_session_reconnect(SmartcarddSession *self, SmartcarddShareMode share_mode,
                             SmartcarddProtocols protocols, SmartcarddDisposition initialization,
                             gint timeout_ms, GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_session_reconnect_async(self, share_mode, protocols, initialization, timeout_ms,
                                       cancellable, smartcardd_wait_callback, &wait);
    gboolean value = smartcardd_session_reconnect_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}

static void
handle_close_reply(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &error);

    if (reply)
        smartcardd_session_set_closed(g_task_get_source_object(task));
    if (reply)
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

/**
 * smartcardd_session_close_async:
 * @self: a session
 * @disposition: the state in which to leave the card
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Closes the session. Its pending calls fail with %SMARTCARDD_ERROR_CANCELLED. Does nothing if the
 * session is closed already.
 */
void
smartcardd_session_close_async(SmartcarddSession *self, SmartcarddDisposition disposition,
                               gint timeout_ms, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(self, NULL, callback, data);

    g_task_set_source_tag(task, smartcardd_session_close_async);
    if (smartcardd_session_is_closed(self)) {
        g_task_return_boolean(task, TRUE);
        g_object_unref(task);
        return;
    }
    smartcardd_session_call_async(self, "Close",
                                  g_variant_new("(s)", smartcardd_disposition_word(disposition)),
                                  timeout_ms, cancellable, handle_close_reply, task);
}

/**
 * smartcardd_session_close_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_session_close_finish(SmartcarddSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * smartcardd_session_close:
 * @self: a session
 * @disposition: the state in which to leave the card
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Closes the session. Its pending calls fail with %SMARTCARDD_ERROR_CANCELLED. Does nothing if the
 * session is closed already. Blocks until the call has ended.
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_session_close(SmartcarddSession *self, SmartcarddDisposition disposition,
                         gint timeout_ms, GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_session_close_async(self, disposition, timeout_ms, cancellable,
                                   smartcardd_wait_callback, &wait);
    gboolean value = smartcardd_session_close_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}
