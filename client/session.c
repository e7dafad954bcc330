/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session.h"

#include <gio/gunixfdlist.h>

#include "error.h"
#include "smartcardd-card.h"
#include "smartcardd-enum-types.h"
#include "smartcardd-reader.h"
#include "words.h"

/**
 * SmartcarddSession:
 *
 * A program's connection to a card, or to a reader.
 *
 * A session is opened by [method@Card.open_session] or [method@Reader.open_session]. Commands pass
 * through a socket of the session, not through the bus, so they are fast and leave no copy of a PIN
 * behind. Where the bus cannot pass a socket, they go over the bus; see
 * [method@Session.has_channel].
 *
 * Commands of a session are executed in their order. Several may be pending; a program that sends
 * many of them calls [method@Session.transmit_many_async].
 *
 * A cancellable ends a call: a command that the card has not received is never sent to it. If the
 * card is executing it, the call returns the response if that arrives soon, and otherwise the
 * error %SMARTCARDD_ERROR_CANCELLED, whose message ends in "sent, result unknown".
 *
 * A session may be used in any thread. Its signals are emitted in the main context of its client.
 * When the last reference goes, the session is closed, and the card left as it is.
 *
 * ```c
 * g_autoptr(SmartcarddSession) session =
 *     smartcardd_card_open_session(card, SMARTCARDD_SHARE_MODE_SHARED, SMARTCARDD_PROTOCOLS_ANY,
 *                             SMARTCARDD_TIMEOUT_DEFAULT, NULL, &error);
 * g_autoptr(SmartcarddCommand) select = smartcardd_command_new_from_hex("00A40400", NULL);
 * guint16 status_word;
 * g_autoptr(GBytes) data = smartcardd_session_send(
 *     session, select, SMARTCARDD_TIMEOUT_DEFAULT, NULL, &status_word, &error);
 * ```
 */
G_DEFINE_FINAL_TYPE(SmartcarddSession, smartcardd_session, G_TYPE_OBJECT)

enum {
    PROP_OBJECT_PATH = 1,
    PROP_READER,
    PROP_CARD,
    PROP_SHARE_MODE,
    PROP_PROTOCOL,
    PROP_CLOSED,
    N_PROPERTIES,
};

static GParamSpec *specs[N_PROPERTIES];
static guint closed_signal;

static SmartcarddChannel *
steal_channel(SmartcarddSession *self)
{
    g_mutex_lock(&self->lock);
    SmartcarddChannel *channel = g_steal_pointer(&self->channel);
    g_mutex_unlock(&self->lock);
    return channel;
}

static void
close_channel(SmartcarddSession *self)
{
    SmartcarddChannel *channel = smartcardd_session_ref_channel(self);

    if (!channel)
        return;
    smartcardd_channel_close(channel);
    smartcardd_channel_unref(channel);
}

/* Returns whether it was open. */
static gboolean
set_closed_flag(SmartcarddSession *self)
{
    g_mutex_lock(&self->lock);
    gboolean was_open = !self->closed;
    self->closed = TRUE;
    g_mutex_unlock(&self->lock);
    return was_open;
}

static void
dispose_session(GObject *object)
{
    SmartcarddSession *self = SMARTCARDD_SESSION(object);
    SmartcarddChannel *channel;

    if (self->path && set_closed_flag(self)) {
        smartcardd_bus_remove_session(self->bus, self->path);
        smartcardd_bus_send(self->bus, self->path, SMARTCARDD_SESSION_INTERFACE, "Close",
                            g_variant_new("(sa{sv})", "leave", NULL));
    }
    channel = steal_channel(self);
    if (channel) {
        smartcardd_channel_close(channel);
        smartcardd_channel_unref(channel);
    }
    g_clear_object(&self->reader);
    g_clear_object(&self->card);
    G_OBJECT_CLASS(smartcardd_session_parent_class)->dispose(object);
}

static void
finalize_session(GObject *object)
{
    SmartcarddSession *self = SMARTCARDD_SESSION(object);

    smartcardd_bus_unref(self->bus);
    g_free(self->path);
    g_mutex_clear(&self->lock);
    G_OBJECT_CLASS(smartcardd_session_parent_class)->finalize(object);
}

static void
get_session_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    SmartcarddSession *self = SMARTCARDD_SESSION(object);

    switch (id) {
    case PROP_OBJECT_PATH:
        g_value_set_string(value, self->path);
        break;
    case PROP_READER:
        g_value_set_object(value, self->reader);
        break;
    case PROP_CARD:
        g_value_set_object(value, self->card);
        break;
    case PROP_SHARE_MODE:
        g_value_set_enum(value, (gint)smartcardd_session_get_share_mode(self));
        break;
    case PROP_PROTOCOL:
        g_value_set_flags(value, smartcardd_session_get_protocol(self));
        break;
    case PROP_CLOSED:
        g_value_set_boolean(value, smartcardd_session_is_closed(self));
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void
install_properties(GObjectClass *class)
{
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

    /**
     * SmartcarddSession:object-path: (getter get_object_path)
     *
     * The path of the object on the bus.
     */
    specs[PROP_OBJECT_PATH] = g_param_spec_string("object-path", "Object path", NULL, NULL, flags);
    /**
     * SmartcarddSession:reader: (getter get_reader)
     *
     * The reader.
     */
    specs[PROP_READER] =
        g_param_spec_object("reader", "Reader", NULL, SMARTCARDD_TYPE_READER, flags);
    /**
     * SmartcarddSession:card: (getter get_card)
     *
     * The card at the time of the connection. %NULL if there was none. A reconnection does not
     * change it.
     */
    specs[PROP_CARD] = g_param_spec_object("card", "Card", NULL, SMARTCARDD_TYPE_CARD, flags);
    /**
     * SmartcarddSession:share-mode: (getter get_share_mode)
     *
     * How the session shares the card with others.
     */
    specs[PROP_SHARE_MODE] =
        g_param_spec_enum("share-mode", "Share mode", NULL, SMARTCARDD_TYPE_SHARE_MODE,
                          SMARTCARDD_SHARE_MODE_SHARED, flags);
    /**
     * SmartcarddSession:protocol: (getter get_protocol)
     *
     * The protocol in use.
     */
    specs[PROP_PROTOCOL] = g_param_spec_flags(
        "protocol", "Protocol", NULL, SMARTCARDD_TYPE_PROTOCOLS, SMARTCARDD_PROTOCOLS_ANY, flags);
    /**
     * SmartcarddSession:is-closed: (getter is_closed)
     *
     * Whether the session has been closed.
     */
    specs[PROP_CLOSED] = g_param_spec_boolean("is-closed", "Is closed", NULL, FALSE, flags);
    g_object_class_install_properties(class, N_PROPERTIES, specs);
}

static void
smartcardd_session_class_init(SmartcarddSessionClass *class)
{
    GObjectClass *object_class = G_OBJECT_CLASS(class);

    object_class->dispose = dispose_session;
    object_class->finalize = finalize_session;
    object_class->get_property = get_session_property;
    install_properties(object_class);
    /**
     * SmartcarddSession::closed:
     * @self: the session
     * @reason: "reader-removed", "service-unavailable" (pcscd has stopped), "revoked" (the user may
     *   not use the card any more), "closed-by-user", "shutdown" (the service is stopping), or
     *   "lost" (the service or the bus has gone)
     *
     * Emitted in the main context of the client when another party has closed the session.
     */
    closed_signal =
        g_signal_new("closed", SMARTCARDD_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                     G_TYPE_NONE, 1, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
    smartcardd_session_install_signals();
}

static void
smartcardd_session_init(SmartcarddSession *self)
{
    g_mutex_init(&self->lock);
}

/* In the main context of the client. */
static void
handle_closed(GObject *object, const char *reason)
{
    SmartcarddSession *self = SMARTCARDD_SESSION(object);

    if (!set_closed_flag(self))
        return;
    close_channel(self);
    g_object_notify_by_pspec(object, specs[PROP_CLOSED]);
    g_signal_emit(self, closed_signal, 0, reason);
}

void
smartcardd_session_set_closed(SmartcarddSession *self)
{
    if (set_closed_flag(self))
        smartcardd_bus_remove_session(self->bus, self->path);
    close_channel(self);
}

SmartcarddChannel *
smartcardd_session_ref_channel(SmartcarddSession *self)
{
    g_mutex_lock(&self->lock);
    SmartcarddChannel *channel = self->channel ? smartcardd_channel_ref(self->channel) : NULL;
    g_mutex_unlock(&self->lock);
    return channel;
}

void
smartcardd_session_call_async(SmartcarddSession *self, const char *method, GVariant *arguments,
                              gint timeout_ms, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data)
{
    const SmartcarddCall call = {.path = self->path,
                                 .interface = SMARTCARDD_SESSION_INTERFACE,
                                 .method = method,
                                 .arguments = arguments,
                                 .timeout_ms = timeout_ms};

    smartcardd_bus_call_async(self->bus, &call, cancellable, callback, data);
}

/*
 * Returns whether a session can do without a channel after this error of OpenChannel: a bus may
 * deny the method, and a service may lack it. A session that may not be used any more fails with
 * its next call as well.
 */
static gboolean
may_do_without(const GError *error)
{
    return g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_SERVICE_TOO_OLD) ||
           g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_LIMITS_EXCEEDED) ||
           g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_BUS_ACCESS_DENIED);
}

static void
take_channel(SmartcarddSession *self, int fd)
{
    SmartcarddChannel *channel = smartcardd_channel_new(fd), *old;

    g_mutex_lock(&self->lock);
    old = self->channel;
    self->channel = channel;
    g_mutex_unlock(&self->lock);
    if (!old)
        return;
    smartcardd_channel_close(old);
    smartcardd_channel_unref(old);
}

static void
handle_channel(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GUnixFDList) fds = NULL;
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, &fds, &error);
    gint32 number = -1;

    if (!reply && !may_do_without(error)) {
        g_task_return_error(task, error);
        return;
    }
    g_clear_error(&error);
    if (reply && g_variant_is_of_type(reply, G_VARIANT_TYPE("(h)")))
        g_variant_get(reply, "(h)", &number);
    int fd = fds && number >= 0 && number < g_unix_fd_list_get_length(fds)
                 ? g_unix_fd_list_get(fds, number, NULL)
                 : -1;
    if (fd >= 0)
        take_channel(g_task_get_task_data(task), fd);
    g_task_return_boolean(task, TRUE);
}

void
smartcardd_session_open_channel_async(SmartcarddSession *self, GAsyncReadyCallback callback,
                                      gpointer data)
{
    GTask *task = g_task_new(NULL, NULL, callback, data);
    g_autoptr(SmartcarddChannel) channel = smartcardd_session_ref_channel(self);
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_task_set_source_tag(task, smartcardd_session_open_channel_async);
    g_task_set_task_data(task, g_object_ref(self), g_object_unref);
    if ((channel && !smartcardd_channel_is_closed(channel)) ||
        !smartcardd_bus_has_channels(self->bus)) {
        g_task_return_boolean(task, TRUE);
        g_object_unref(task);
        return;
    }
    if (smartcardd_bus_has_feature(self->bus, SMARTCARDD_FEATURE_FIND_CAUSE))
        g_variant_dict_insert(&options, "find-cause", "b", TRUE);
    const SmartcarddCall call = {.path = self->path,
                                 .interface = SMARTCARDD_SESSION_INTERFACE,
                                 .method = "OpenChannel",
                                 .options = g_variant_dict_end(&options),
                                 .timeout_ms = SMARTCARDD_TIMEOUT_DEFAULT};
    smartcardd_bus_call_async(self->bus, &call, NULL, handle_channel, task);
}

gboolean
smartcardd_session_open_channel_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
handle_first_channel(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;

    if (smartcardd_session_open_channel_finish(result, &error))
        g_task_return_pointer(task, g_object_ref(g_task_get_task_data(task)), g_object_unref);
    else
        g_task_return_error(task, error);
}

static void
handle_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    SmartcarddSession *self = g_task_get_task_data(task);
    GError *error = NULL;
    g_autoptr(GVariant) reply = smartcardd_bus_call_finish(result, NULL, &error);
    static const SmartcarddSessionSignals signals = {handle_closed,
                                                     smartcardd_session_handle_signal};
    const char *protocol;

    if (reply && !g_variant_is_of_type(reply, G_VARIANT_TYPE("(os)")))
        smartcardd_error_set_invalid_reply(&error);
    if (error) {
        g_task_return_error(task, error);
        return;
    }
    g_variant_get(reply, "(o&s)", &self->path, &protocol);
    self->protocol = smartcardd_protocol_of_word(protocol);
    if (!smartcardd_bus_add_session(self->bus, self->path, G_OBJECT(self), &signals))
        self->closed = TRUE;
    smartcardd_session_open_channel_async(self, handle_first_channel, g_steal_pointer(&task));
}

void
smartcardd_session_open_async(SmartcarddBus *bus, const SmartcarddConnect *connect,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data)
{
    GTask *task = g_task_new(NULL, NULL, callback, data);
    SmartcarddSession *self = g_object_new(SMARTCARDD_TYPE_SESSION, NULL);
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&options, "quiet", "b", TRUE);
    self->bus = smartcardd_bus_ref(bus);
    self->reader = g_object_ref(connect->reader);
    self->card = connect->card ? g_object_ref(connect->card) : NULL;
    self->abilities = connect->abilities;
    self->share_mode = connect->share_mode;
    const SmartcarddCall call = {
        .path = connect->path,
        .interface = connect->interface,
        .method = "Connect",
        .arguments = g_variant_new("(s@as)", smartcardd_share_mode_word(connect->share_mode),
                                   smartcardd_protocol_words(connect->protocols)),
        .options = g_variant_dict_end(&options),
        .timeout_ms = connect->timeout_ms};
    g_task_set_source_tag(task, smartcardd_session_open_async);
    g_task_set_task_data(task, self, g_object_unref);
    smartcardd_bus_call_async(bus, &call, cancellable, handle_connected, task);
}

SmartcarddSession *
smartcardd_session_open_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

void
smartcardd_session_set_connection(SmartcarddSession *self, SmartcarddShareMode share_mode,
                                  SmartcarddProtocols protocol)
{
    g_mutex_lock(&self->lock);
    self->share_mode = share_mode;
    self->protocol = protocol;
    g_mutex_unlock(&self->lock);
}

void
smartcardd_session_count_transactions(SmartcarddSession *self, gint change)
{
    g_mutex_lock(&self->lock);
    self->n_transactions = (guint)MAX((gint)self->n_transactions + change, 0);
    g_mutex_unlock(&self->lock);
}

gboolean
smartcardd_session_note_use(SmartcarddSession *self, gboolean card_used, gboolean is_programs)
{
    g_mutex_lock(&self->lock);
    card_used |=
        self->card_used || !smartcardd_bus_has_feature(self->bus, SMARTCARDD_FEATURE_CARD_USE);
    self->card_used = !is_programs && card_used;
    g_mutex_unlock(&self->lock);
    return card_used;
}

gboolean
smartcardd_session_is_in_transaction(SmartcarddSession *self)
{
    g_mutex_lock(&self->lock);
    gboolean is_in_transaction = self->n_transactions > 0;
    g_mutex_unlock(&self->lock);
    return is_in_transaction;
}

/**
 * smartcardd_session_get_object_path: (get-property object-path)
 * @self: a session
 *
 * Returns: the path of the object on the bus
 */
const char *
smartcardd_session_get_object_path(SmartcarddSession *self)
{
    return self->path;
}

/**
 * smartcardd_session_get_reader: (get-property reader)
 * @self: a session
 *
 * Returns: (transfer none): the reader
 */
SmartcarddReader *
smartcardd_session_get_reader(SmartcarddSession *self)
{
    return (SmartcarddReader *)self->reader;
}

/**
 * smartcardd_session_get_card: (get-property card)
 * @self: a session
 *
 * Returns: (transfer none) (nullable): the card at the time of the connection
 */
SmartcarddCard *
smartcardd_session_get_card(SmartcarddSession *self)
{
    return (SmartcarddCard *)self->card;
}

/**
 * smartcardd_session_get_share_mode: (get-property share-mode)
 * @self: a session
 *
 * Returns: how the session shares the card with others
 */
SmartcarddShareMode
smartcardd_session_get_share_mode(SmartcarddSession *self)
{
    g_mutex_lock(&self->lock);
    SmartcarddShareMode share_mode = self->share_mode;
    g_mutex_unlock(&self->lock);
    return share_mode;
}

/**
 * smartcardd_session_get_protocol: (get-property protocol)
 * @self: a session
 *
 * Returns: the protocol in use; %SMARTCARDD_PROTOCOLS_ANY if none is selected yet
 */
SmartcarddProtocols
smartcardd_session_get_protocol(SmartcarddSession *self)
{
    g_mutex_lock(&self->lock);
    SmartcarddProtocols protocol = self->protocol;
    g_mutex_unlock(&self->lock);
    return protocol;
}

/**
 * smartcardd_session_is_closed: (get-property is-closed)
 * @self: a session
 *
 * Returns: whether the session has been closed
 */
gboolean
smartcardd_session_is_closed(SmartcarddSession *self)
{
    g_mutex_lock(&self->lock);
    gboolean closed = self->closed;
    g_mutex_unlock(&self->lock);
    return closed;
}

/**
 * smartcardd_session_has_channel:
 * @self: a session
 *
 * Returns: whether commands pass through a socket, which leaves no copy of them on the bus
 */
gboolean
smartcardd_session_has_channel(SmartcarddSession *self)
{
    g_autoptr(SmartcarddChannel) channel = smartcardd_session_ref_channel(self);

    return channel != NULL;
}
