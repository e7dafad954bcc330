/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch.h"

#include <glib/gi18n.h>

#include "client.h"

/* The card was mute when it was inserted, or its muteness has been reported. */
#define MUTE_KEY "ctl-mute"

struct CtlWatch {
    const CtlRoute *route;
    const CtlWatchEvents *events;
    gpointer data;
    CtlWatchState state;
    GDBusConnection *bus;      /* NULL until the client is loaded */
    GCancellable *cancellable; /* of the pending call */
    SmartcarddClient *client;
    gboolean was_gone;
    gboolean broken;    /* failed; no further callbacks */
    gboolean running;   /* the service is, and its objects are reported */
    gboolean available; /* pcscd is */
    char *gone_reason;  /* the last one that was reported; NULL if none was */
};

static void
emit_event(CtlWatch *watch, CtlEventKind kind, const CtlReaderView *reader, const char *reason)
{
    CtlEvent event = {.kind = kind, .reason = reason};

    if (watch->broken)
        return;
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

static CtlWatchState
compute_state(const CtlWatch *watch)
{
    if (!watch->running)
        return CTL_WATCH_NO_SERVICE;
    if (!watch->available)
        return CTL_WATCH_NO_PCSCD;
    return g_list_model_get_n_items(smartcardd_client_get_readers(watch->client)) > 0
               ? CTL_WATCH_READY
               : CTL_WATCH_NO_READERS;
}

static void
update_state(CtlWatch *watch)
{
    CtlWatchState state = compute_state(watch);

    if (state == watch->state || watch->broken)
        return;
    watch->state = state;
    watch->events->state_changed(state, watch->data);
}

/* Stores the state of pcscd, and reports that it has gone, or why it cannot be reached now. */
static void
report_pcscd(CtlWatch *watch)
{
    const char *reason = smartcardd_client_get_unavailable_reason(watch->client);
    gboolean was_available = watch->available;

    watch->available = smartcardd_client_is_available(watch->client);
    if (watch->available) {
        g_clear_pointer(&watch->gone_reason, g_free);
        if (!was_available)
            emit_event(watch, CTL_EVENT_PCSCD_BACK, NULL, NULL);
    } else if (g_strcmp0(reason, watch->gone_reason) != 0) {
        g_free(watch->gone_reason);
        watch->gone_reason = g_strdup(reason);
        emit_event(watch, CTL_EVENT_PCSCD_GONE, NULL, reason);
    }
}

static void
handle_availability(SmartcarddClient *client, GParamSpec *spec, CtlWatch *watch)
{
    if (!watch->running)
        return;
    report_pcscd(watch);
    update_state(watch);
}

/* An insertion has an event of its own, also that of a card that is mute. */
static void
handle_mute(SmartcarddReader *reader, GParamSpec *spec, CtlWatch *watch)
{
    SmartcarddCard *card = smartcardd_reader_get_card(reader);
    CtlReaderView view = ctl_reader_view_of(reader);

    if (!card || !smartcardd_reader_is_mute(reader) || g_object_get_data(G_OBJECT(card), MUTE_KEY))
        return;
    g_object_set_data(G_OBJECT(card), MUTE_KEY, watch);
    if (watch->running)
        emit_event(watch, CTL_EVENT_CARD_MUTE, &view, NULL);
}

static void
note_card(CtlWatch *watch, SmartcarddReader *reader, SmartcarddCard *card)
{
    if (smartcardd_reader_is_mute(reader))
        g_object_set_data(G_OBJECT(card), MUTE_KEY, watch);
}

static void
handle_reader_added(SmartcarddClient *client, SmartcarddReader *reader, CtlWatch *watch)
{
    CtlReaderView view = ctl_reader_view_of(reader);

    g_signal_connect(reader, "notify::mute", G_CALLBACK(handle_mute), watch);
    if (!watch->running)
        return;
    emit_event(watch, CTL_EVENT_READER_CONNECTED, &view, NULL);
    update_state(watch);
}

static void
handle_reader_removed(SmartcarddClient *client, SmartcarddReader *reader, CtlWatch *watch)
{
    CtlReaderView view = ctl_reader_view_of(reader);

    g_signal_handlers_disconnect_by_data(reader, watch);
    if (!watch->running)
        return;
    emit_event(watch, CTL_EVENT_READER_REMOVED, &view, NULL);
    update_state(watch);
}

static void
handle_card_added(SmartcarddClient *client, SmartcarddCard *card, CtlWatch *watch)
{
    CtlReaderView view = ctl_reader_view_of_card(card);

    note_card(watch, smartcardd_card_get_reader(card), card);
    if (watch->running)
        emit_event(watch, CTL_EVENT_CARD_INSERTED, &view, NULL);
}

static void
handle_card_removed(SmartcarddClient *client, SmartcarddCard *card, CtlWatch *watch)
{
    CtlReaderView view = ctl_reader_view_of_card(card);

    if (watch->running)
        emit_event(watch, CTL_EVENT_CARD_REMOVED, &view, NULL);
}

/* Emits events for the objects that are present at the start. */
static void
report_present_objects(CtlWatch *watch)
{
    g_autoptr(GArray) readers = ctl_reader_view_list(watch->client);

    if (watch->was_gone)
        emit_event(watch, CTL_EVENT_SERVICE_BACK, NULL, NULL);
    watch->available = TRUE;
    report_pcscd(watch);
    for (guint i = 0; i < readers->len; i++) {
        CtlReaderView *reader = &g_array_index(readers, CtlReaderView, i);
        emit_event(watch, CTL_EVENT_READER_PRESENT, reader, NULL);
        if (reader->card)
            emit_event(watch, CTL_EVENT_CARD_PRESENT, reader, NULL);
    }
}

static void
report_lost_bus(CtlWatch *watch)
{
    report_failure(watch, _("the connection to the system bus was lost"));
}

static void
handle_running(SmartcarddClient *client, GParamSpec *spec, CtlWatch *watch)
{
    watch->running = smartcardd_client_is_running(client);
    if (watch->running) {
        report_present_objects(watch);
    } else if (g_dbus_connection_is_closed(watch->bus)) {
        report_lost_bus(watch);
    } else {
        watch->was_gone = TRUE;
        g_clear_pointer(&watch->gone_reason, g_free);
        emit_event(watch, CTL_EVENT_SERVICE_GONE, NULL, NULL);
    }
    update_state(watch);
}

static void
handle_bus_closed(GDBusConnection *bus, gboolean by_peer, GError *error, CtlWatch *watch)
{
    report_lost_bus(watch);
}

static void
follow_client(CtlWatch *watch)
{
    SmartcarddClient *client = watch->client;
    GListModel *readers = smartcardd_client_get_readers(client);
    GListModel *cards = smartcardd_client_get_cards(client);

    watch->bus = ctl_client_dup_connection(client);
    if (!watch->bus || g_dbus_connection_is_closed(watch->bus)) {
        report_lost_bus(watch);
        return;
    }
    g_signal_connect(watch->bus, "closed", G_CALLBACK(handle_bus_closed), watch);
    g_signal_connect(client, "reader-added", G_CALLBACK(handle_reader_added), watch);
    g_signal_connect(client, "reader-removed", G_CALLBACK(handle_reader_removed), watch);
    g_signal_connect(client, "card-added", G_CALLBACK(handle_card_added), watch);
    g_signal_connect(client, "card-removed", G_CALLBACK(handle_card_removed), watch);
    g_signal_connect(client, "notify::running", G_CALLBACK(handle_running), watch);
    g_signal_connect(client, "notify::available", G_CALLBACK(handle_availability), watch);
    g_signal_connect(client, "notify::unavailable-reason", G_CALLBACK(handle_availability), watch);
    for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
        g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);
        handle_reader_added(client, reader, watch);
    }
    for (guint i = 0; i < g_list_model_get_n_items(cards); i++) {
        g_autoptr(SmartcarddCard) card = g_list_model_get_item(cards, i);
        handle_card_added(client, card, watch);
    }
    if (smartcardd_client_is_running(client))
        handle_running(client, NULL, watch);
}

/* A pending call. The watch is valid until the cancellable is cancelled. */
typedef struct {
    CtlWatch *watch;
    GCancellable *cancellable;
} WatchStart;

static WatchStart *
new_start(CtlWatch *watch)
{
    WatchStart *start = g_new(WatchStart, 1);

    start->watch = watch;
    start->cancellable = g_object_ref(watch->cancellable);
    return start;
}

/* Returns NULL if the watch does not exist any more. */
static CtlWatch *
end_start(WatchStart *start)
{
    CtlWatch *watch = g_cancellable_is_cancelled(start->cancellable) ? NULL : start->watch;

    g_object_unref(start->cancellable);
    g_free(start);
    return watch;
}

static void
handle_client(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    gboolean loaded = g_async_initable_init_finish(G_ASYNC_INITABLE(source), result, &error);
    CtlWatch *watch = end_start(data);

    if (!watch)
        return;
    if (loaded) {
        follow_client(watch);
        return;
    }
    ctl_client_explain_start_error(watch->client, watch->route, &error);
    report_failure(watch, error->message);
}

CtlWatch *
ctl_watch_new(SmartcarddClient *client, const CtlRoute *route, const CtlWatchEvents *events,
              gpointer data)
{
    CtlWatch *watch = g_new0(CtlWatch, 1);

    watch->client = g_object_ref(client);
    watch->route = route;
    watch->events = events;
    watch->data = data;
    watch->cancellable = g_cancellable_new();
    g_async_initable_init_async(G_ASYNC_INITABLE(client), G_PRIORITY_DEFAULT, watch->cancellable,
                                handle_client, new_start(watch));
    return watch;
}

SmartcarddClient *
ctl_watch_get_client(CtlWatch *watch)
{
    return watch->client;
}

static void
forget_client(CtlWatch *watch)
{
    GListModel *readers = smartcardd_client_get_readers(watch->client);

    g_signal_handlers_disconnect_by_data(watch->client, watch);
    for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
        g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);
        g_signal_handlers_disconnect_by_data(reader, watch);
    }
    g_clear_object(&watch->client);
}

void
ctl_watch_free(CtlWatch *watch)
{
    g_cancellable_cancel(watch->cancellable);
    g_object_unref(watch->cancellable);
    forget_client(watch);
    if (watch->bus)
        g_signal_handlers_disconnect_by_data(watch->bus, watch);
    g_clear_object(&watch->bus);
    g_free(watch->gone_reason);
    g_free(watch);
}
