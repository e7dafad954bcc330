/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SmartcarddReader: selectors, and the calls of the service, which may be made in any thread. */

#include <string.h>

#include "card.h"
#include "reader.h"
#include "session.h"
#include "wait.h"

/* "1-3", "1-3:1.0", "1-3/0" and "1-3:1.0/0" name the reader at "1-3:1.0" with slot 0. */
static gboolean
is_usb_position(SmartcarddReader *self, const char *selector)
{
    const char *usb_path = smartcardd_reader_get_usb_path(self);
    gsize length = strcspn(selector, "/");
    guint number = 0;

    g_object_get(self, "slot", &number, NULL);
    g_autofree char *slot = g_strdup_printf("/%u", number);

    return length > 0 && strncmp(usb_path, selector, length) == 0 &&
           (usb_path[length] == '\0' || usb_path[length] == ':') &&
           (selector[length] == '\0' || g_str_equal(selector + length, slot));
}

gboolean
smartcardd_reader_fits(SmartcarddReader *self, const char *selector, guint meaning)
{
    if (!*selector)
        return FALSE;
    switch (meaning) {
    case 0:
        return g_str_equal(smartcardd_reader_get_alias(self), selector);
    case 1:
        return g_str_equal(smartcardd_reader_get_name(self), selector);
    case 2:
        return g_str_equal(smartcardd_reader_get_object_path(self), selector);
    case 3:
        return is_usb_position(self, selector);
    default:
        return g_str_equal(smartcardd_reader_get_serial(self), selector);
    }
}

/**
 * smartcardd_reader_matches:
 * @self: a reader
 * @selector: as for [method@Client.find_reader]
 *
 * Use this for a reader that is not in the list of the client any more, or if several readers may
 * be meant.
 *
 * Returns: whether the selector fits the reader
 */
gboolean
smartcardd_reader_matches(SmartcarddReader *self, const char *selector)
{
    for (guint meaning = 0; meaning < SMARTCARDD_N_SELECTOR_MEANINGS; meaning++) {
        if (smartcardd_reader_fits(self, selector, meaning))
            return TRUE;
    }
    return FALSE;
}

static void
handle_session(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    SmartcarddSession *session = smartcardd_session_open_finish(result, &error);

    if (session)
        g_task_return_pointer(task, session, g_object_unref);
    else
        g_task_return_error(task, error);
}

/**
 * smartcardd_reader_open_session_async:
 * @self: a reader
 * @share_mode: how to share the card with others
 * @protocols: the protocols that are acceptable
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Opens a session with the reader and the card in it. With the share mode
 * %SMARTCARDD_SHARE_MODE_DIRECT there need not be a card. Waits while another program has a
 * transaction.
 */
void
smartcardd_reader_open_session_async(SmartcarddReader *self, SmartcarddShareMode share_mode,
                                     SmartcarddProtocols protocols, gint timeout_ms,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer data)
{
    g_autoptr(SmartcarddCard) card = smartcardd_reader_ref_card(self);
    SmartcarddConnect connect = {.path = smartcardd_reader_get_object_path(self),
                                 .interface = SMARTCARDD_READER_INTERFACE,
                                 .reader = G_OBJECT(self),
                                 .card = (GObject *)card,
                                 .share_mode = share_mode,
                                 .protocols = protocols,
                                 .timeout_ms = timeout_ms};
    GTask *task = g_task_new(self, NULL, callback, data);

    if (card)
        connect.abilities = smartcardd_card_abilities(card);
    g_task_set_source_tag(task, smartcardd_reader_open_session_async);
    smartcardd_session_open_async(smartcardd_reader_bus(self), &connect, cancellable,
                                  handle_session, task);
}

/**
 * smartcardd_reader_open_session_finish:
 * @self: a reader
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the session
 */
SmartcarddSession *
smartcardd_reader_open_session_finish(SmartcarddReader *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_reader_open_session:
 * @self: a reader
 * @share_mode: how to share the card with others
 * @protocols: the protocols that are acceptable
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Opens a session with the reader and the card in it. With the share mode
 * %SMARTCARDD_SHARE_MODE_DIRECT there need not be a card. Waits while another program has a
 * transaction. Blocks until the call has ended.
 *
 * Returns: (transfer full): the session
 */
SmartcarddSession *
smartcardd_reader_open_session(SmartcarddReader *self, SmartcarddShareMode share_mode,
                               SmartcarddProtocols protocols, gint timeout_ms,
                               GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_reader_open_session_async(self, share_mode, protocols, timeout_ms, cancellable,
                                         smartcardd_wait_callback, &wait);
    SmartcarddSession *value =
        smartcardd_reader_open_session_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}

/* Sets where the call goes. */
static void
call_reader(GTask *task, SmartcarddCall *call, GCancellable *cancellable,
            GAsyncReadyCallback callback)
{
    SmartcarddReader *self = g_task_get_source_object(task);

    call->path = smartcardd_reader_get_object_path(self);
    call->interface = SMARTCARDD_READER_INTERFACE;
    smartcardd_bus_call_async(smartcardd_reader_bus(self), call, cancellable, callback, task);
}

/**
 * smartcardd_reader_refresh_async:
 * @self: a reader
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Updates [property@Reader:in-use] and [property@Reader:exclusive], which other programs change
 * without an event.
 */
void
smartcardd_reader_refresh_async(SmartcarddReader *self, gint timeout_ms, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(self, NULL, callback, data);
    SmartcarddCall call = {.method = "Refresh", .timeout_ms = timeout_ms};

    g_task_set_source_tag(task, smartcardd_reader_refresh_async);
    call_reader(task, &call, cancellable, smartcardd_bus_end_task);
}

/**
 * smartcardd_reader_refresh_finish:
 * @self: a reader
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_reader_refresh_finish(SmartcarddReader *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * smartcardd_reader_refresh:
 * @self: a reader
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Updates [property@Reader:in-use] and [property@Reader:exclusive], which other programs change
 * without an event. Blocks until the call has ended.
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_reader_refresh(SmartcarddReader *self, gint timeout_ms, GCancellable *cancellable,
                          GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_reader_refresh_async(self, timeout_ms, cancellable, smartcardd_wait_callback, &wait);
    gboolean value = smartcardd_reader_refresh_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}

/**
 * smartcardd_reader_control_async:
 * @self: a reader
 * @code: a control code of the driver
 * @input: (nullable): input for the driver
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Sends a command to the driver of the reader without a session, whether there is a card or not.
 * Codes that are not for PIN pads need the permission of an administrator.
 */
void
smartcardd_reader_control_async(SmartcarddReader *self, guint32 code, GBytes *input,
                                gint timeout_ms, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(self, NULL, callback, data);
    g_autoptr(GBytes) bytes = input ? g_bytes_ref(input) : g_bytes_new(NULL, 0);
    GVariant *array = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
    SmartcarddCall call = {.method = "Control",
                           .arguments = g_variant_new("(u@ay)", code, array),
                           .timeout_ms = timeout_ms};

    g_task_set_source_tag(task, smartcardd_reader_control_async);
    call_reader(task, &call, cancellable, smartcardd_bus_end_task_with_bytes);
}

/**
 * smartcardd_reader_control_finish:
 * @self: a reader
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the output of the driver
 */
GBytes *
smartcardd_reader_control_finish(SmartcarddReader *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_reader_control:
 * @self: a reader
 * @code: a control code of the driver
 * @input: (nullable): input for the driver
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Sends a command to the driver of the reader without a session, whether there is a card or not.
 * Codes that are not for PIN pads need the permission of an administrator. Blocks until the call
 * has ended.
 *
 * Returns: (transfer full): the output of the driver
 */
GBytes *
smartcardd_reader_control(SmartcarddReader *self, guint32 code, GBytes *input, gint timeout_ms,
                          GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_reader_control_async(self, code, input, timeout_ms, cancellable,
                                    smartcardd_wait_callback, &wait);
    GBytes *value = smartcardd_reader_control_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}

/**
 * smartcardd_reader_set_alias_async:
 * @self: a reader
 * @alias: the alias, or an empty text to remove it
 * @binding: to what the alias belongs
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Gives a name to the reader, or to whichever reader is in this USB port. Needs the permission of
 * an administrator.
 */
void
smartcardd_reader_set_alias_async(SmartcarddReader *self, const char *alias,
                                  SmartcarddAliasBinding binding, gint timeout_ms,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer data)
{
    GTask *task = g_task_new(self, NULL, callback, data);
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&options, "bind", "s",
                          binding == SMARTCARDD_ALIAS_BINDING_SERIAL ? "serial" : "port");
    SmartcarddCall call = {.method = "SetAlias",
                           .arguments = g_variant_new("(s)", alias),
                           .options = g_variant_dict_end(&options),
                           .timeout_ms = timeout_ms};
    g_task_set_source_tag(task, smartcardd_reader_set_alias_async);
    call_reader(task, &call, cancellable, smartcardd_bus_end_task);
}

/**
 * smartcardd_reader_set_alias_finish:
 * @self: a reader
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_reader_set_alias_finish(SmartcarddReader *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * smartcardd_reader_set_alias:
 * @self: a reader
 * @alias: the alias, or an empty text to remove it
 * @binding: to what the alias belongs
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Gives a name to the reader, or to whichever reader is in this USB port. Needs the permission of
 * an administrator. Blocks until the call has ended.
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_reader_set_alias(SmartcarddReader *self, const char *alias,
                            SmartcarddAliasBinding binding, gint timeout_ms,
                            GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_reader_set_alias_async(self, alias, binding, timeout_ms, cancellable,
                                      smartcardd_wait_callback, &wait);
    gboolean value = smartcardd_reader_set_alias_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}
