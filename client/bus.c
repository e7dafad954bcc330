/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus.h"

#include <gio/gunixfdlist.h>

#include "error.h"
#include "secret.h"

/* How long to wait for the reply to a call that was cancelled, which the service sends at once. */
#define GRACE_MS 1000

/* Sessions that were closed before the reply that opened them was handled in another thread. */
#define EARLY_MAX 64

struct SmartcarddBus {
    gint refs;
    GDBusConnection *connection;
    gint has_channels; /* atomic */
    gint is_silent;    /* atomic; polkit must not ask the user */
    guint features;    /* atomic; SmartcarddFeatures */
    GMutex lock;
    GHashTable *sessions; /* path → SessionEntry */
    GHashTable *early;    /* paths */
};

typedef struct {
    GWeakRef session;
    const SmartcarddSessionSignals *signals;
} SessionEntry;

static void
free_entry(gpointer data)
{
    SessionEntry *entry = data;

    g_weak_ref_clear(&entry->session);
    g_free(entry);
}

SmartcarddBus *
smartcardd_bus_new(GDBusConnection *connection)
{
    SmartcarddBus *bus = g_new0(SmartcarddBus, 1);

    bus->refs = 1;
    bus->connection = g_object_ref(connection);
    g_mutex_init(&bus->lock);
    bus->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_entry);
    bus->early = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return bus;
}

SmartcarddBus *
smartcardd_bus_ref(SmartcarddBus *bus)
{
    g_atomic_int_inc(&bus->refs);
    return bus;
}

void
smartcardd_bus_unref(SmartcarddBus *bus)
{
    if (!g_atomic_int_dec_and_test(&bus->refs))
        return;
    g_object_unref(bus->connection);
    g_hash_table_unref(bus->sessions);
    g_hash_table_unref(bus->early);
    g_mutex_clear(&bus->lock);
    g_free(bus);
}

GDBusConnection *
smartcardd_bus_connection(SmartcarddBus *bus)
{
    return bus->connection;
}

void
smartcardd_bus_set_channels(SmartcarddBus *bus, gboolean has_channels)
{
    g_atomic_int_set(&bus->has_channels, has_channels);
}

gboolean
smartcardd_bus_has_channels(SmartcarddBus *bus)
{
    return g_atomic_int_get(&bus->has_channels) &&
           (g_dbus_connection_get_capabilities(bus->connection) &
            G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING);
}

void
smartcardd_bus_set_interaction(SmartcarddBus *bus, gboolean allowed)
{
    g_atomic_int_set(&bus->is_silent, !allowed);
}

void
smartcardd_bus_set_features(SmartcarddBus *bus, const char *const *names)
{
    static const struct {
        const char *name;
        SmartcarddFeatures feature;
    } known[] = {
        {"card-use", SMARTCARDD_FEATURE_CARD_USE},
        {"find-cause", SMARTCARDD_FEATURE_FIND_CAUSE},
        {"pin-entry", SMARTCARDD_FEATURE_PIN_ENTRY},
    };
    guint features = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_strv_contains(names, known[i].name))
            features |= known[i].feature;
    g_atomic_int_set(&bus->features, features);
}

gboolean
smartcardd_bus_has_feature(SmartcarddBus *bus, SmartcarddFeatures feature)
{
    return ((guint)g_atomic_int_get(&bus->features) & feature) != 0;
}

void
smartcardd_bus_end_task(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &error);

    if (reply)
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

void
smartcardd_bus_end_task_with_bytes(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &error);
    gsize length;

    if (reply && !g_variant_is_of_type(reply, G_VARIANT_TYPE("(ay)")))
        smartcardd_error_set_invalid_reply(&error);
    if (error) {
        g_task_return_error(task, error);
        return;
    }
    g_autoptr(GVariant) value = g_variant_get_child_value(reply, 0);
    gconstpointer bytes = g_variant_get_fixed_array(value, &length, 1);
    g_task_return_pointer(task, smartcardd_secret_new(bytes, length),
                          (GDestroyNotify)g_bytes_unref);
}

void
smartcardd_bus_send(SmartcarddBus *bus, const char *path, const char *interface, const char *method,
                    GVariant *arguments)
{
    g_dbus_connection_call(bus->connection, SMARTCARDD_SERVICE_NAME, path, interface, method,
                           arguments, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

typedef struct {
    SmartcarddBus *bus;
    char *id; /* NULL if the call cannot be cancelled */
    GCancellable *cancellable;
    gulong cancel_handler;
    GCancellable *give_up; /* ends the wait for the reply */
    GSource *timer;        /* set in the thread that cancels */
    GMainContext *context;
    GUnixFDList *fds;
} PendingCall;

static void
free_pending_call(gpointer data)
{
    PendingCall *pending = data;

    if (pending->timer)
        g_source_destroy(pending->timer);
    g_clear_pointer(&pending->timer, g_source_unref);
    g_clear_object(&pending->cancellable);
    g_object_unref(pending->give_up);
    g_clear_object(&pending->fds);
    g_main_context_unref(pending->context);
    smartcardd_bus_unref(pending->bus);
    g_free(pending->id);
    g_free(pending);
}

static gboolean
give_up(gpointer data)
{
    g_cancellable_cancel(data);
    return G_SOURCE_REMOVE;
}

static void
send_cancel_call(SmartcarddBus *bus, const char *call_id)
{
    smartcardd_bus_send(bus, SMARTCARDD_ROOT_PATH, SMARTCARDD_MANAGER_INTERFACE, "CancelCall",
                        g_variant_new("(s)", call_id));
}

/* In the thread that cancels. */
static void
cancel_call(GCancellable *cancellable, gpointer data)
{
    PendingCall *pending = data;

    send_cancel_call(pending->bus, pending->id);
    pending->timer = g_timeout_source_new(GRACE_MS);
    g_source_set_callback(pending->timer, give_up, g_object_ref(pending->give_up), g_object_unref);
    g_source_attach(pending->timer, pending->context);
}

static void
handle_reply(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    PendingCall *pending = g_task_get_task_data(task);
    GError *error = NULL;
    GVariant *reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &pending->fds, result, &error);

    if (pending->cancel_handler)
        g_cancellable_disconnect(pending->cancellable, pending->cancel_handler);
    if (reply) {
        g_task_return_pointer(task, reply, (GDestroyNotify)g_variant_unref);
        return;
    }
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        g_clear_error(&error);
        g_set_error_literal(&error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED,
                            "the operation was cancelled: " SMARTCARDD_SENT);
    }
    g_task_return_error(task, smartcardd_error_adopt(error));
}

static GVariant *
new_options(const SmartcarddCall *call, const char *call_id)
{
    g_autoptr(GVariant) given = call->options ? g_variant_ref_sink(call->options) : NULL;
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(given);

    if (call->timeout_ms >= 0)
        g_variant_dict_insert(&options, "timeout-ms", "u",
                              call->timeout_ms == G_MAXINT ? G_MAXUINT32
                                                           : (guint32)call->timeout_ms);
    if (call_id)
        g_variant_dict_insert(&options, "call-id", "s", call_id);
    return g_variant_dict_end(&options);
}

static GVariant *
new_arguments(const SmartcarddCall *call, const char *call_id)
{
    g_autoptr(GVariant) given = call->arguments ? g_variant_ref_sink(call->arguments) : NULL;
    gsize n_given = given ? g_variant_n_children(given) : 0;
    g_autofree GVariant **children = g_new0(GVariant *, n_given + 1);

    if (call->is_plain)
        return g_variant_new_tuple(NULL, 0);
    for (gsize i = 0; i < n_given; i++)
        children[i] = g_variant_get_child_value(given, i);
    children[n_given] = new_options(call, call_id);
    GVariant *arguments = g_variant_new_tuple(children, n_given + 1);
    for (gsize i = 0; i < n_given; i++)
        g_variant_unref(children[i]);
    return arguments;
}

/* A cancellable that is cancelled already ends the call before it is sent. */
void
smartcardd_bus_call_async(SmartcarddBus *bus, const SmartcarddCall *call, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(NULL, NULL, callback, data);
    PendingCall *pending = g_new0(PendingCall, 1);

    pending->bus = smartcardd_bus_ref(bus);
    pending->give_up = g_cancellable_new();
    pending->context = g_main_context_ref_thread_default();
    if (cancellable)
        pending->id = g_uuid_string_random(); /* others may use the same connection */
    g_task_set_source_tag(task, smartcardd_bus_call_async);
    g_task_set_task_data(task, pending, free_pending_call);
    g_autofree char *call_id = g_strdup(pending->id); /* pending may be freed by another thread */
    const GDBusCallFlags flags = g_atomic_int_get(&bus->is_silent)
                                     ? G_DBUS_CALL_FLAGS_NONE
                                     : G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION;
    g_autoptr(GVariant) arguments = g_variant_ref_sink(new_arguments(call, call_id));
    if (g_cancellable_is_cancelled(cancellable)) {
        g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED,
                                "the operation was cancelled: " SMARTCARDD_NOT_SENT);
        g_object_unref(task);
        return;
    }
    g_task_set_name(task, call->method);
    if (cancellable) {
        pending->cancellable = g_object_ref(cancellable);
        pending->cancel_handler =
            g_cancellable_connect(cancellable, G_CALLBACK(cancel_call), pending, NULL);
    }
    g_dbus_connection_call_with_unix_fd_list(bus->connection, SMARTCARDD_SERVICE_NAME, call->path,
                                             call->interface, call->method, arguments, NULL, flags,
                                             G_MAXINT, NULL, pending->give_up, handle_reply, task);
    /* A cancellation before the call was sent has ended nothing. */
    if (g_cancellable_is_cancelled(cancellable))
        send_cancel_call(bus, call_id);
}

GVariant *
smartcardd_bus_call_finish(GAsyncResult *result, GUnixFDList **fds, GError **error)
{
    PendingCall *pending = g_task_get_task_data(G_TASK(result));
    GVariant *reply = g_task_propagate_pointer(G_TASK(result), error);

    if (fds)
        *fds = g_steal_pointer(&pending->fds);
    return reply;
}

gboolean
smartcardd_bus_add_session(SmartcarddBus *bus, const char *path, GObject *session,
                           const SmartcarddSessionSignals *signals)
{
    g_mutex_lock(&bus->lock);
    gboolean is_open = !g_hash_table_remove(bus->early, path);
    if (is_open) {
        SessionEntry *entry = g_new0(SessionEntry, 1);
        g_weak_ref_init(&entry->session, session);
        entry->signals = signals;
        g_hash_table_insert(bus->sessions, g_strdup(path), entry);
    }
    g_mutex_unlock(&bus->lock);
    return is_open;
}

void
smartcardd_bus_remove_session(SmartcarddBus *bus, const char *path)
{
    g_mutex_lock(&bus->lock);
    g_hash_table_remove(bus->sessions, path);
    g_mutex_unlock(&bus->lock);
}

void
smartcardd_bus_session_closed(SmartcarddBus *bus, const char *path, const char *reason)
{
    const SmartcarddSessionSignals *signals = NULL;
    g_autoptr(GObject) session = NULL;

    g_mutex_lock(&bus->lock);
    SessionEntry *entry = g_hash_table_lookup(bus->sessions, path);
    if (entry) {
        session = g_weak_ref_get(&entry->session);
        signals = entry->signals;
        g_hash_table_remove(bus->sessions, path);
    } else {
        if (g_hash_table_size(bus->early) == EARLY_MAX)
            g_hash_table_remove_all(bus->early);
        g_hash_table_add(bus->early, g_strdup(path));
    }
    g_mutex_unlock(&bus->lock);
    if (session)
        signals->closed(session, reason);
}

void
smartcardd_bus_session_signal(SmartcarddBus *bus, const char *path, const char *name,
                              GVariant *arguments)
{
    const SmartcarddSessionSignals *signals = NULL;
    g_autoptr(GObject) session = NULL;

    g_mutex_lock(&bus->lock);
    SessionEntry *entry = g_hash_table_lookup(bus->sessions, path);
    if (entry) {
        session = g_weak_ref_get(&entry->session);
        signals = entry->signals;
    }
    g_mutex_unlock(&bus->lock);
    if (session)
        signals->other(session, name, arguments);
}

void
smartcardd_bus_close_sessions(SmartcarddBus *bus, const char *reason)
{
    g_mutex_lock(&bus->lock);
    g_autofree char **paths = (char **)g_hash_table_get_keys_as_array(bus->sessions, NULL);
    for (char **path = paths; *path; path++)
        *path = g_strdup(*path);
    g_mutex_unlock(&bus->lock);
    for (char **path = paths; *path; path++) {
        smartcardd_bus_session_closed(bus, *path, reason);
        g_free(*path);
    }
}
