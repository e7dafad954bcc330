/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch.h"

#include <glib/gi18n.h>

#include "client.h"

struct CtlWatch {
    GDBusConnection *bus;
    const CtlWatchEvents *events;
    gpointer data;
    CtlWatchState state;
    gulong closed;
    guint name;
    guint signals;             /* subscription to the running service */
    GCancellable *cancellable; /* of the pending calls, cancelled when the service exits */
    gboolean was_gone;
    gboolean broken;   /* failed; no further callbacks */
    GVariant *manager; /* its properties, NULL before the reply */
    gboolean loaded;   /* the cache is filled */
    CtlObjectCache *cache;
};

static void
emit_event(CtlWatch *watch, CtlEventKind kind, const CtlReaderView *reader, const char *reason)
{
    CtlEvent event = {.kind = kind, .reason = reason};

    if (reader)
        event.reader = *reader;
    watch->events->happened(&event, watch->data);
}

/* Reports only the first failure; later ones are consequences. */
static void
report_failure(CtlWatch *watch, const char *message)
{
    if (watch->broken)
        return;
    watch->broken = TRUE;
    watch->events->failed(message, watch->data);
}

static void
report_call_error(CtlWatch *watch, GError *error)
{
    ctl_client_explain_error(error);
    report_failure(watch, error->message);
}

static CtlWatchState
compute_state(const CtlWatch *watch)
{
    if (!watch->loaded)
        return CTL_WATCH_NO_SERVICE;
    if (!ctl_property_flag(watch->manager, "Available"))
        return CTL_WATCH_NO_PCSCD;
    return ctl_object_cache_has_readers(watch->cache) ? CTL_WATCH_READY : CTL_WATCH_NO_READERS;
}

static void
update_state(CtlWatch *watch)
{
    CtlWatchState state = compute_state(watch);

    if (state == watch->state)
        return;
    watch->state = state;
    watch->events->state_changed(state, watch->data);
}

static void
apply_manager_change(CtlWatch *watch, GVariant *changed, const char *const *invalidated)
{
    g_autoptr(GVariant) before = watch->manager;
    watch->manager = ctl_property_merge(before, changed, invalidated);

    gboolean was_available = ctl_property_flag(before, "Available");
    gboolean available = ctl_property_flag(watch->manager, "Available");
    const char *old_reason = ctl_property_text(before, "UnavailableReason");
    const char *reason = ctl_property_text(watch->manager, "UnavailableReason");
    if (!watch->loaded)
        return;
    if (available && !was_available)
        emit_event(watch, CTL_EVENT_PCSCD_BACK, NULL, NULL);
    else if (!available && (was_available || !g_str_equal(reason, old_reason)))
        emit_event(watch, CTL_EVENT_PCSCD_GONE, NULL, reason);
}

/* An insertion changes Mute together with Card, and has a signal of its own. */
static gboolean
is_card_mute_change(const char *interface, GVariant *changed)
{
    g_autoptr(GVariant) card = g_variant_lookup_value(changed, "Card", NULL);

    return g_str_equal(interface, CTL_INTERFACE_READER) && !card &&
           ctl_property_flag(changed, "Mute");
}

static void
handle_properties_changed(CtlWatch *watch, const char *path, GVariant *arguments)
{
    g_autoptr(GVariant) changed = NULL;
    g_autofree const char **invalidated = NULL;
    const char *interface;
    CtlReaderView reader;

    g_variant_get(arguments, "(&s@a{sv}^a&s)", &interface, &changed, &invalidated);
    if (g_str_equal(interface, CTL_INTERFACE_MANAGER)) {
        apply_manager_change(watch, changed, invalidated);
        return;
    }
    ctl_object_cache_change(watch->cache, path, interface, changed, invalidated);
    if (is_card_mute_change(interface, changed) &&
        ctl_object_cache_get_reader(watch->cache, path, &reader))
        emit_event(watch, CTL_EVENT_CARD_MUTE, &reader, NULL);
}

static void
handle_interfaces_added(CtlWatch *watch, const char *root, GVariant *arguments)
{
    g_autoptr(GVariant) interfaces = NULL;
    const char *path;
    CtlReaderView reader;

    g_variant_get(arguments, "(&o@a{sa{sv}})", &path, &interfaces);
    gboolean known = ctl_object_cache_get_reader(watch->cache, path, &reader);
    ctl_object_cache_add(watch->cache, path, interfaces);
    if (!known && ctl_object_cache_get_reader(watch->cache, path, &reader))
        emit_event(watch, CTL_EVENT_READER_CONNECTED, &reader, NULL);
}

static void
handle_interfaces_removed(CtlWatch *watch, const char *root, GVariant *arguments)
{
    g_autofree const char **interfaces = NULL;
    const char *path;
    CtlReaderView reader;

    g_variant_get(arguments, "(&o^a&s)", &path, &interfaces);
    if (ctl_object_cache_get_reader(watch->cache, path, &reader) &&
        g_strv_contains(interfaces, CTL_INTERFACE_READER))
        emit_event(watch, CTL_EVENT_READER_REMOVED, &reader, NULL);
    ctl_object_cache_remove(watch->cache, path, interfaces);
}

static void
emit_card_event(CtlWatch *watch, CtlEventKind kind, const char *path, const char *card_path)
{
    CtlReaderView reader;

    if (ctl_object_cache_get_reader_with_card(watch->cache, path, card_path, &reader))
        emit_event(watch, kind, &reader, NULL);
}

static void
handle_card_inserted(CtlWatch *watch, const char *path, GVariant *arguments)
{
    const char *card_path;

    g_variant_get(arguments, "(&o@ay)", &card_path, NULL);
    emit_card_event(watch, CTL_EVENT_CARD_INSERTED, path, card_path);
}

static void
handle_card_removed(CtlWatch *watch, const char *path, GVariant *arguments)
{
    const char *card_path;

    g_variant_get(arguments, "(&o)", &card_path);
    emit_card_event(watch, CTL_EVENT_CARD_REMOVED, path, card_path);
}

/*
 * The handled signals. Before the cache is filled, signals are ignored, since the reply to
 * GetManagedObjects includes them; except those of the manager, which it does not include.
 */
static const struct {
    const char *interface;
    const char *name;
    const char *type;
    void (*handle)(CtlWatch *watch, const char *path, GVariant *arguments);
} signals[] = {
    {DBUS_INTERFACE_OBJECT_MANAGER, "InterfacesAdded", "(oa{sa{sv}})", handle_interfaces_added},
    {DBUS_INTERFACE_OBJECT_MANAGER, "InterfacesRemoved", "(oas)", handle_interfaces_removed},
    {DBUS_INTERFACE_PROPERTIES, "PropertiesChanged", "(sa{sv}as)", handle_properties_changed},
    {CTL_INTERFACE_READER, "CardInserted", "(oay)", handle_card_inserted},
    {CTL_INTERFACE_READER, "CardRemoved", "(o)", handle_card_removed},
};

static void
dispatch_signal(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
                const char *name, GVariant *arguments, gpointer data)
{
    CtlWatch *watch = data;
    gboolean known =
        g_str_equal(path, CTL_ROOT_PATH) && g_str_equal(interface, DBUS_INTERFACE_PROPERTIES)
            ? watch->manager != NULL
            : watch->loaded;

    for (gsize i = 0; known && i < G_N_ELEMENTS(signals); i++) {
        if (g_str_equal(interface, signals[i].interface) && g_str_equal(name, signals[i].name) &&
            g_variant_is_of_type(arguments, G_VARIANT_TYPE(signals[i].type)))
            signals[i].handle(watch, path, arguments);
    }
    if (watch->loaded)
        update_state(watch);
}

/* Emits events for the objects that are present at the start. */
static void
emit_present_objects(CtlWatch *watch)
{
    g_autoptr(GArray) readers = ctl_object_cache_readers(watch->cache);

    if (watch->was_gone)
        emit_event(watch, CTL_EVENT_SERVICE_BACK, NULL, NULL);
    if (!ctl_property_flag(watch->manager, "Available"))
        emit_event(watch, CTL_EVENT_PCSCD_GONE, NULL,
                   ctl_property_text(watch->manager, "UnavailableReason"));
    for (guint i = 0; i < readers->len; i++) {
        CtlReaderView *reader = &g_array_index(readers, CtlReaderView, i);
        emit_event(watch, CTL_EVENT_READER_PRESENT, reader, NULL);
        if (reader->card)
            emit_event(watch, CTL_EVENT_CARD_PRESENT, reader, NULL);
    }
}

/*
 * Returns the first item of the reply. Returns NULL on cancellation, and when the service has
 * exited, which handle_service_vanished() handles; reports other errors.
 */
static GVariant *
take_reply(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    if (reply)
        return g_variant_get_child_value(reply, 0);
    /* After a cancellation, data may have been freed. */
    if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) &&
        !ctl_client_is_service_gone(error))
        report_call_error(data, error);
    return NULL;
}

static void
store_manager(GObject *source, GAsyncResult *result, gpointer data)
{
    GVariant *manager = take_reply(source, result, data);
    CtlWatch *watch = data;

    if (manager)
        watch->manager = manager;
}

static void
store_objects(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GVariant) objects = take_reply(source, result, data);
    CtlWatch *watch = data;

    if (!objects || !watch->manager)
        return;
    ctl_object_cache_fill(watch->cache, objects);
    watch->loaded = TRUE;
    emit_present_objects(watch);
    update_state(watch);
}

/* Calls go to the unique name, so that they never start the service again. */
static void
handle_service_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
    CtlWatch *watch = data;

    watch->cancellable = g_cancellable_new();
    watch->signals = g_dbus_connection_signal_subscribe(
        bus, owner, NULL, NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, dispatch_signal, watch, NULL);
    g_dbus_connection_call(bus, owner, CTL_ROOT_PATH, DBUS_INTERFACE_PROPERTIES, "GetAll",
                           g_variant_new("(s)", CTL_INTERFACE_MANAGER), G_VARIANT_TYPE("(a{sv})"),
                           G_DBUS_CALL_FLAGS_NONE, -1, watch->cancellable, store_manager, watch);
    g_dbus_connection_call(bus, owner, CTL_ROOT_PATH, DBUS_INTERFACE_OBJECT_MANAGER,
                           "GetManagedObjects", NULL, G_VARIANT_TYPE("(a{oa{sa{sv}}})"),
                           G_DBUS_CALL_FLAGS_NONE, -1, watch->cancellable, store_objects, watch);
}

static void
forget_service(CtlWatch *watch)
{
    g_cancellable_cancel(watch->cancellable);
    g_clear_object(&watch->cancellable);
    if (watch->signals)
        g_dbus_connection_signal_unsubscribe(watch->bus, watch->signals);
    watch->signals = 0;
    watch->loaded = FALSE;
    g_clear_pointer(&watch->manager, g_variant_unref);
    ctl_object_cache_clear(watch->cache);
}

static void
handle_service_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
    CtlWatch *watch = data;

    forget_service(watch);
    /* A closed connection is handled by handle_bus_closed(). */
    if (!bus || g_dbus_connection_is_closed(bus))
        return;
    if (watch->state != CTL_WATCH_NO_SERVICE)
        emit_event(watch, CTL_EVENT_SERVICE_GONE, NULL, NULL);
    watch->was_gone = TRUE;
    update_state(watch);
}

static void
handle_bus_closed(GDBusConnection *bus, gboolean by_peer, GError *error, gpointer data)
{
    CtlWatch *watch = data;

    report_failure(watch, _("the connection to the system bus was lost"));
}

/* The reply to the call that starts the service. From now on its name is watched. */
static void
handle_service_started(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    CtlWatch *watch = data;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    g_clear_object(&watch->cancellable);
    if (!reply)
        report_call_error(watch, error);
    else
        watch->name = g_bus_watch_name_on_connection(
            watch->bus, CTL_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, handle_service_appeared,
            handle_service_vanished, watch, NULL);
}

CtlWatch *
ctl_watch_new(GDBusConnection *bus, const CtlWatchEvents *events, gpointer data)
{
    CtlWatch *watch = g_new0(CtlWatch, 1);

    watch->bus = g_object_ref(bus);
    watch->events = events;
    watch->data = data;
    watch->cache = ctl_object_cache_new();
    watch->closed = g_signal_connect(bus, "closed", G_CALLBACK(handle_bus_closed), watch);
    watch->cancellable = g_cancellable_new();
    g_dbus_connection_call(bus, CTL_BUS_NAME, CTL_ROOT_PATH, DBUS_INTERFACE_PROPERTIES, "Get",
                           g_variant_new("(ss)", CTL_INTERFACE_MANAGER, "Version"),
                           G_VARIANT_TYPE("(v)"), G_DBUS_CALL_FLAGS_NONE, -1, watch->cancellable,
                           handle_service_started, watch);
    return watch;
}

void
ctl_watch_free(CtlWatch *watch)
{
    g_clear_handle_id(&watch->name, g_bus_unwatch_name);
    forget_service(watch);
    g_signal_handler_disconnect(watch->bus, watch->closed);
    ctl_object_cache_free(watch->cache);
    g_object_unref(watch->bus);
    g_free(watch);
}
