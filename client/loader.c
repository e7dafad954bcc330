/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "loader.h"

#include "bus.h"
#include "error.h"

typedef struct {
    SmartcarddLoaded loaded;
    guint pending;
    GError *error;
} Loading;

static void
clear_loaded(SmartcarddLoaded *loaded)
{
    g_free(loaded->owner);
    g_clear_pointer(&loaded->objects, g_variant_unref);
    g_clear_pointer(&loaded->manager, g_variant_unref);
}

void
smartcardd_loaded_free(SmartcarddLoaded *loaded)
{
    clear_loaded(loaded);
    g_free(loaded);
}

static void
free_loading(gpointer data)
{
    Loading *loading = data;

    clear_loaded(&loading->loaded);
    g_clear_error(&loading->error);
    g_free(loading);
}

/* Returns the only result of a reply, or NULL and keeps the first error. */
static GVariant *
take_reply(Loading *loading, GObject *source, GAsyncResult *result, const char *type, char **sender)
{
    GError *error = NULL;
    g_autoptr(GDBusMessage) reply =
        g_dbus_connection_send_message_with_reply_finish(G_DBUS_CONNECTION(source), result, &error);
    GVariant *body = NULL;

    if (reply && !g_dbus_message_to_gerror(reply, &error)) {
        body = g_dbus_message_get_body(reply);
        if (body && g_variant_is_of_type(body, G_VARIANT_TYPE(type))) {
            if (sender)
                *sender = g_strdup(g_dbus_message_get_sender(reply));
            return g_variant_get_child_value(body, 0);
        }
        smartcardd_error_set_invalid_reply(&error);
    }
    if (loading->error)
        g_error_free(error);
    else
        loading->error = smartcardd_error_adopt(error);
    return NULL;
}

static void
end_one(GTask *task)
{
    Loading *loading = g_task_get_task_data(task);

    if (--loading->pending > 0)
        return;
    if (loading->error) {
        g_task_return_error(task, g_steal_pointer(&loading->error));
        return;
    }
    g_task_return_pointer(task, g_memdup2(&loading->loaded, sizeof loading->loaded),
                          (GDestroyNotify)smartcardd_loaded_free);
    loading->loaded = (SmartcarddLoaded){NULL, NULL, NULL};
}

static void
handle_objects(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Loading *loading = g_task_get_task_data(task);

    loading->loaded.objects =
        take_reply(loading, source, result, "(a{oa{sa{sv}}})", &loading->loaded.owner);
    end_one(task);
}

static void
handle_manager(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Loading *loading = g_task_get_task_data(task);

    loading->loaded.manager = take_reply(loading, source, result, "(a{sv})", NULL);
    end_one(task);
}

static void
send_call(GTask *task, GDBusConnection *connection, const char *destination, const char *interface,
          const char *method, GVariant *arguments, GAsyncReadyCallback callback)
{
    Loading *loading = g_task_get_task_data(task);
    g_autoptr(GDBusMessage) call =
        g_dbus_message_new_method_call(destination, SMARTCARDD_ROOT_PATH, interface, method);

    if (arguments)
        g_dbus_message_set_body(call, arguments);
    loading->pending++;
    g_dbus_connection_send_message_with_reply(connection, call, G_DBUS_SEND_MESSAGE_FLAGS_NONE, -1,
                                              NULL, g_task_get_cancellable(task), callback,
                                              g_object_ref(task));
}

void
smartcardd_load_async(GDBusConnection *connection, const char *destination,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, data);

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, smartcardd_load_async);
    g_task_set_task_data(task, g_new0(Loading, 1), free_loading);
    send_call(task, connection, destination, "org.freedesktop.DBus.Properties", "GetAll",
              g_variant_new("(s)", SMARTCARDD_MANAGER_INTERFACE), handle_manager);
    send_call(task, connection, destination, "org.freedesktop.DBus.ObjectManager",
              "GetManagedObjects", NULL, handle_objects);
}

SmartcarddLoaded *
smartcardd_load_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
