/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client-connection.h"

#include "frame-format.h"

/* g_dbus_connection_new_for_address() of GLib 2.74 refuses the last one. */
#define CONNECTION_FLAGS                             \
    (G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | \
     G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION | G_DBUS_CONNECTION_FLAGS_CROSS_NAMESPACE)

#define RETRY_MS 1000
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

/* The properties of the manager. */
static const SmartcarddField fields[SMARTCARDD_N_VALUES] = {
    /**
     * SmartcarddClient:available: (getter is_available)
     *
     * Whether pcscd can be reached. While it cannot, there are no readers and no cards.
     */
    [SMARTCARDD_VALUE_AVAILABLE] = {"Available", "available", G_VARIANT_TYPE_BOOLEAN, "Available"},
    /**
     * SmartcarddClient:unavailable-reason: (getter get_unavailable_reason)
     *
     * One line in English: why pcscd cannot be reached. Empty if it can.
     */
    [SMARTCARDD_VALUE_UNAVAILABLE_REASON] = {"UnavailableReason", "unavailable-reason",
                                             G_VARIANT_TYPE_STRING, "Unavailable reason"},
    /**
     * SmartcarddClient:version: (getter get_version)
     *
     * The version of the service, such as "0.1.0".
     */
    [SMARTCARDD_VALUE_VERSION] = {"Version", "version", G_VARIANT_TYPE_STRING, "Version"},
    /**
     * SmartcarddClient:features: (getter get_features)
     *
     * The features of the service, such as "channel". An older service has none of these.
     */
    [SMARTCARDD_VALUE_FEATURES] = {"Features", "features", G_VARIANT_TYPE_STRING_ARRAY, "Features"},
    /**
     * SmartcarddClient:channel-version:
     *
     * The version of the packets on the socket of a session. If the library has another one, or the
     * service none, commands go over the bus; see [method@Session.has_channel].
     */
    [SMARTCARDD_VALUE_CHANNEL_VERSION] = {"ChannelVersion", "channel-version",
                                          G_VARIANT_TYPE_UINT32, "Channel version"},
};

static GParamSpec *specs[SMARTCARDD_N_VALUES];

GDBusConnection *
smartcardd_connect(GCancellable *cancellable, GError **error)
{
    g_autofree char *address =
        g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, cancellable, error);

    return address ? g_initable_new(G_TYPE_DBUS_CONNECTION, cancellable, error, "address", address,
                                    "flags", CONNECTION_FLAGS, NULL)
                   : NULL;
}

static void
handle_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    GObject *connection = g_async_initable_new_finish(G_ASYNC_INITABLE(source), result, &error);

    if (connection)
        g_task_return_pointer(task, connection, g_object_unref);
    else
        g_task_return_error(task, error);
}

void
smartcardd_connect_async(GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, data);
    GError *error = NULL;
    /* Does not block: the address of the system bus is fixed, or in the environment. */
    g_autofree char *address =
        g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, cancellable, &error);

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, smartcardd_connect_async);
    if (!address) {
        g_task_return_error(task, error);
        return;
    }
    g_async_initable_new_async(G_TYPE_DBUS_CONNECTION, G_PRIORITY_DEFAULT, cancellable,
                               handle_connected, g_steal_pointer(&task), "address", address,
                               "flags", CONNECTION_FLAGS, NULL);
}

GDBusConnection *
smartcardd_connect_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

void
smartcardd_client_enter_home(SmartcarddClient *self)
{
    g_main_context_push_thread_default(self->home);
}

void
smartcardd_client_leave_home(SmartcarddClient *self)
{
    g_main_context_pop_thread_default(self->home);
}

static void
set_values(SmartcarddClient *self, GVariant *properties)
{
    smartcardd_values_update(self->values, fields, SMARTCARDD_N_VALUES, properties, G_OBJECT(self),
                             specs);
}

static void
set_unavailable(SmartcarddClient *self, const char *reason)
{
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&properties, "Available", "b", FALSE);
    g_variant_dict_insert(&properties, "UnavailableReason", "s", reason);
    g_autoptr(GVariant) values = g_variant_ref_sink(g_variant_dict_end(&properties));
    set_values(self, values);
}

static void
lose_service(SmartcarddClient *self, const char *reason)
{
    self->generation++;
    g_clear_pointer(&self->owner, g_free);
    smartcardd_client_set_running(self, FALSE);
    set_unavailable(self, reason);
    smartcardd_bus_close_sessions(self->bus, "lost");
    smartcardd_tree_clear(self->tree);
}

void
smartcardd_client_take_loaded(SmartcarddClient *self, SmartcarddLoaded *loaded)
{
    g_free(self->owner);
    self->owner = g_steal_pointer(&loaded->owner);
    set_values(self, loaded->manager);
    smartcardd_bus_set_channels(self->bus, self->values[SMARTCARDD_VALUE_CHANNEL_VERSION].number ==
                                               SCD_FRAME_VERSION);
    smartcardd_bus_set_features(self->bus,
                                (const char *const *)self->values[SMARTCARDD_VALUE_FEATURES].list);
    smartcardd_tree_load(self->tree, self->bus, loaded->objects);
    smartcardd_client_set_running(self, TRUE);
}

/* A pending load, and the client if that still exists. */
typedef struct {
    GWeakRef client;
    guint generation;
} Reload;

static void
free_reload(Reload *reload)
{
    g_weak_ref_clear(&reload->client);
    g_free(reload);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reload, free_reload)

static Reload *
new_reload(SmartcarddClient *self)
{
    Reload *reload = g_new(Reload, 1);

    g_weak_ref_init(&reload->client, self);
    reload->generation = self->generation;
    return reload;
}

static void
handle_reloaded(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Reload) reload = data;
    g_autoptr(SmartcarddClient) self = g_weak_ref_get(&reload->client);
    g_autoptr(GError) error = NULL;
    g_autoptr(SmartcarddLoaded) loaded = smartcardd_load_finish(result, &error);

    if (!self || self->generation != reload->generation)
        return;
    if (loaded)
        smartcardd_client_take_loaded(self, loaded);
    else
        set_unavailable(self, error->message);
}

static void
reload(SmartcarddClient *self, const char *destination)
{
    smartcardd_client_enter_home(self);
    smartcardd_load_async(smartcardd_bus_connection(self->bus), destination, NULL, handle_reloaded,
                          new_reload(self));
    smartcardd_client_leave_home(self);
}

static void
handle_owner(GDBusConnection *connection, const char *sender, const char *path,
             const char *interface, const char *member, GVariant *arguments, gpointer data)
{
    g_autoptr(SmartcarddClient) self = g_weak_ref_get(data);
    const char *owner;

    if (!self || !self->bus || connection != smartcardd_bus_connection(self->bus) ||
        !g_variant_is_of_type(arguments, G_VARIANT_TYPE("(sss)")))
        return;
    g_variant_get(arguments, "(&s&s&s)", NULL, NULL, &owner);
    if (!*owner && self->owner) {
        lose_service(self, "the service has stopped");
    } else if (*owner && self->generation > 0 && g_strcmp0(owner, self->owner) != 0) {
        if (self->owner)
            lose_service(self, "the service is starting");
        reload(self, owner);
    }
}

static void
change_properties(SmartcarddClient *self, const char *path, GVariant *arguments)
{
    const char *interface;
    g_autoptr(GVariant) changed = NULL;

    if (!g_variant_is_of_type(arguments, G_VARIANT_TYPE("(sa{sv}as)")))
        return;
    g_variant_get(arguments, "(&s@a{sv}as)", &interface, &changed, NULL);
    if (g_str_equal(interface, SMARTCARDD_READER_INTERFACE))
        smartcardd_tree_change(self->tree, path, changed);
    else if (g_str_equal(interface, SMARTCARDD_MANAGER_INTERFACE))
        set_values(self, changed);
}

static void
change_objects(SmartcarddClient *self, const char *member, GVariant *arguments)
{
    const char *path;
    g_autoptr(GVariant) interfaces = NULL;

    if (g_str_equal(member, "InterfacesAdded") &&
        g_variant_is_of_type(arguments, G_VARIANT_TYPE("(oa{sa{sv}})"))) {
        g_variant_get(arguments, "(&o@a{sa{sv}})", &path, &interfaces);
        smartcardd_tree_add(self->tree, self->bus, path, interfaces);
    } else if (g_str_equal(member, "InterfacesRemoved") &&
               g_variant_is_of_type(arguments, G_VARIANT_TYPE("(oas)"))) {
        g_variant_get(arguments, "(&oas)", &path, NULL);
        smartcardd_tree_remove(self->tree, path);
    }
}

static void
handle_session_signal(SmartcarddClient *self, const char *path, const char *member,
                      GVariant *arguments)
{
    const char *reason;

    if (g_str_equal(member, "Closed") && g_variant_is_of_type(arguments, G_VARIANT_TYPE("(s)"))) {
        g_variant_get(arguments, "(&s)", &reason);
        smartcardd_bus_session_closed(self->bus, path, reason);
    } else {
        smartcardd_bus_session_signal(self->bus, path, member, arguments);
    }
}

/* Signals before the reply with the objects are contained in it. */
static void
handle_signal(GDBusConnection *connection, const char *sender, const char *path,
              const char *interface, const char *member, GVariant *arguments, gpointer data)
{
    g_autoptr(SmartcarddClient) self = g_weak_ref_get(data);

    if (!self || !self->bus || connection != smartcardd_bus_connection(self->bus) ||
        g_strcmp0(sender, self->owner) != 0)
        return;
    if (g_str_equal(interface, PROPERTIES) && g_str_equal(member, "PropertiesChanged")) {
        change_properties(self, path, arguments);
    } else if (g_str_equal(interface, OBJECT_MANAGER)) {
        change_objects(self, member, arguments);
    } else if (g_str_equal(interface, SMARTCARDD_SESSION_INTERFACE)) {
        handle_session_signal(self, path, member, arguments);
    }
}

static void
free_weak_ref(gpointer data)
{
    g_weak_ref_clear(data);
    g_free(data);
}

static gpointer
new_weak_ref(SmartcarddClient *self)
{
    GWeakRef *ref = g_new(GWeakRef, 1);

    g_weak_ref_init(ref, self);
    return ref;
}

static void handle_disconnected(GDBusConnection *connection, gboolean vanished, GError *error,
                                SmartcarddClient *self);

/* GDBus would criticize a connection that was closed meanwhile, and ask for owners of names. */
static void
add_match(GDBusConnection *connection, const char *rule)
{
    g_dbus_connection_call(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "AddMatch", g_variant_new("(s)", rule), NULL,
                           G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

void
smartcardd_client_take_connection(SmartcarddClient *self, GDBusConnection *connection)
{
    self->bus = smartcardd_bus_new(connection);
    smartcardd_bus_set_interaction(self->bus, self->allow_interaction);
    self->closed_handler =
        g_signal_connect_object(connection, "closed", G_CALLBACK(handle_disconnected), self, 0);
    add_match(connection, "type='signal',sender='org.freedesktop.DBus',"
                          "member='NameOwnerChanged',arg0='" SMARTCARDD_SERVICE_NAME "'");
    add_match(connection, "type='signal',sender='" SMARTCARDD_SERVICE_NAME "'");
    self->subscriptions[0] = g_dbus_connection_signal_subscribe(
        connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", NULL,
        SMARTCARDD_SERVICE_NAME, G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, handle_owner,
        new_weak_ref(self), free_weak_ref);
    self->subscriptions[1] = g_dbus_connection_signal_subscribe(
        connection, NULL, NULL, NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, handle_signal,
        new_weak_ref(self), free_weak_ref);
}

void
smartcardd_client_drop_connection(SmartcarddClient *self)
{
    if (!self->bus)
        return;
    GDBusConnection *connection = smartcardd_bus_connection(self->bus);
    g_clear_signal_handler(&self->closed_handler, connection);
    for (gsize i = 0; i < G_N_ELEMENTS(self->subscriptions); i++)
        g_dbus_connection_signal_unsubscribe(connection, self->subscriptions[i]);
    g_clear_pointer(&self->bus, smartcardd_bus_unref);
}

static void
handle_reconnected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Reload) reload_data = data;
    g_autoptr(SmartcarddClient) self = g_weak_ref_get(&reload_data->client);
    g_autoptr(GDBusConnection) connection = smartcardd_connect_finish(result, NULL);

    if (!self || !connection || self->bus)
        return;
    if (self->retry)
        g_source_destroy(self->retry);
    g_clear_pointer(&self->retry, g_source_unref);
    smartcardd_client_enter_home(self);
    smartcardd_client_take_connection(self, connection);
    smartcardd_client_leave_home(self);
    reload(self, SMARTCARDD_SERVICE_NAME);
}

/* Nothing announces that a bus is there again. */
static gboolean
try_to_reconnect(gpointer data)
{
    g_autoptr(SmartcarddClient) self = g_weak_ref_get(data);

    if (!self)
        return G_SOURCE_CONTINUE;
    smartcardd_client_enter_home(self);
    smartcardd_connect_async(NULL, handle_reconnected, new_reload(self));
    smartcardd_client_leave_home(self);
    return G_SOURCE_CONTINUE;
}

static void
handle_disconnected(GDBusConnection *connection, gboolean vanished, GError *error,
                    SmartcarddClient *self)
{
    if (!self->bus || connection != smartcardd_bus_connection(self->bus))
        return;
    lose_service(self, "the system bus has gone");
    smartcardd_client_drop_connection(self);
    if (self->given)
        return;
    self->retry = g_timeout_source_new(RETRY_MS);
    g_source_set_callback(self->retry, try_to_reconnect, new_weak_ref(self), free_weak_ref);
    g_source_attach(self->retry, self->home);
}

void
smartcardd_client_install_values(GObjectClass *class)
{
    smartcardd_values_install(class, fields, SMARTCARDD_N_VALUES, specs);
}

void
smartcardd_client_init_values(SmartcarddClient *self)
{
    smartcardd_values_init(self->values, fields, SMARTCARDD_N_VALUES);
}

void
smartcardd_client_clear_values(SmartcarddClient *self)
{
    smartcardd_values_clear(self->values, fields, SMARTCARDD_N_VALUES);
}

void
smartcardd_client_get_value(SmartcarddClient *self, guint number, GValue *value)
{
    smartcardd_values_get(&self->values[number], &fields[number], value);
}
