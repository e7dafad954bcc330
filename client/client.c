/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client-connection.h"
#include "client-methods.h"
#include "error.h"
#include "wait.h"

/**
 * SmartcarddClient:
 *
 * The readers and cards of the machine.
 *
 * The lists that [method@Client.get_readers] and [method@Client.get_cards] return change by
 * themselves; cards that are present when the client is made are in them already. They, and all
 * signals, change in the main context of the client only: the thread-default one of the thread that
 * made it. Use the client, its readers and its cards in that context; sessions may be used in any
 * thread.
 *
 * The lists become empty when the service or pcscd stops, and are filled again when it is back; the
 * same holds for the bus. [property@Client:available] says whether pcscd can be reached.
 *
 * ```c
 * g_autoptr(SmartcarddClient) client = smartcardd_client_new(NULL, &error);
 * GListModel *cards = smartcardd_client_get_cards(client);
 * for (guint i = 0; i < g_list_model_get_n_items(cards); i++) {
 *     g_autoptr(SmartcarddCard) card = g_list_model_get_item(cards, i);
 *     g_print("%s\n", smartcardd_card_get_atr_hex(card));
 * }
 * ```
 */

static void implement_initable(GInitableIface *interface);
static void implement_async_initable(GAsyncInitableIface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(SmartcarddClient, smartcardd_client, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(G_TYPE_INITABLE, implement_initable)
                                  G_IMPLEMENT_INTERFACE(G_TYPE_ASYNC_INITABLE,
                                                        implement_async_initable))

enum {
    PROP_READERS = SMARTCARDD_N_VALUES + 1,
    PROP_CARDS,
    PROP_RUNNING,
    PROP_CONNECTION,
    PROP_ALLOW_INTERACTION,
};

static GParamSpec *running_spec;

static guint signals[4];

static void
handle_tree_event(SmartcarddTreeEvent event, gpointer object, gpointer data)
{
    g_signal_emit(data, signals[event], 0, object);
    if (event == SMARTCARDD_CARD_ADDED)
        smartcardd_client_end_waits(data, object);
}

static void
dispose_client(GObject *object)
{
    SmartcarddClient *self = SMARTCARDD_CLIENT(object);

    smartcardd_client_drop_connection(self);
    if (self->retry)
        g_source_destroy(self->retry);
    g_clear_pointer(&self->retry, g_source_unref);
    G_OBJECT_CLASS(smartcardd_client_parent_class)->dispose(object);
}

static void
finalize_client(GObject *object)
{
    SmartcarddClient *self = SMARTCARDD_CLIENT(object);

    smartcardd_tree_free(self->tree);
    smartcardd_client_clear_values(self);
    g_free(self->owner);
    g_clear_object(&self->given);
    g_main_context_unref(self->home);
    G_OBJECT_CLASS(smartcardd_client_parent_class)->finalize(object);
}

/* Returns NULL while there is none. */
static GDBusConnection *
get_connection(SmartcarddClient *self)
{
    return self->bus ? smartcardd_bus_connection(self->bus) : self->given;
}

static void
get_client_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    SmartcarddClient *self = SMARTCARDD_CLIENT(object);

    if (id <= SMARTCARDD_N_VALUES)
        smartcardd_client_get_value(self, id - 1, value);
    else if (id == PROP_READERS)
        g_value_set_object(value, smartcardd_tree_readers(self->tree));
    else if (id == PROP_CARDS)
        g_value_set_object(value, smartcardd_tree_cards(self->tree));
    else if (id == PROP_RUNNING)
        g_value_set_boolean(value, self->running);
    else if (id == PROP_CONNECTION)
        g_value_set_object(value, get_connection(self));
    else if (id == PROP_ALLOW_INTERACTION)
        g_value_set_boolean(value, self->allow_interaction);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void
set_client_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    SmartcarddClient *self = SMARTCARDD_CLIENT(object);

    if (id == PROP_CONNECTION)
        self->given = g_value_dup_object(value);
    else if (id == PROP_ALLOW_INTERACTION)
        self->allow_interaction = g_value_get_boolean(value);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static guint
new_signal(const char *name, GType argument)
{
    return g_signal_new(name, SMARTCARDD_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                        G_TYPE_NONE, 1, argument);
}

static void
install_signals(void)
{
    /**
     * SmartcarddClient::reader-added:
     * @self: the client
     * @reader: the reader
     *
     * Emitted when a reader has been added to the list.
     */
    signals[SMARTCARDD_READER_ADDED] = new_signal("reader-added", SMARTCARDD_TYPE_READER);
    /**
     * SmartcarddClient::reader-removed:
     * @self: the client
     * @reader: the reader
     *
     * Emitted when a reader has been removed from the list.
     */
    signals[SMARTCARDD_READER_REMOVED] = new_signal("reader-removed", SMARTCARDD_TYPE_READER);
    /**
     * SmartcarddClient::card-added:
     * @self: the client
     * @card: the card
     *
     * Emitted when a card has been inserted and added to the list.
     */
    signals[SMARTCARDD_CARD_ADDED] = new_signal("card-added", SMARTCARDD_TYPE_CARD);
    /**
     * SmartcarddClient::card-removed:
     * @self: the client
     * @card: the card
     *
     * Emitted when a card has been removed from the reader and from the list.
     */
    signals[SMARTCARDD_CARD_REMOVED] = new_signal("card-removed", SMARTCARDD_TYPE_CARD);
}

static void
install_own_properties(GObjectClass *object_class)
{
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
    const GParamFlags given = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

    /**
     * SmartcarddClient:readers: (getter get_readers)
     *
     * The list of readers.
     */
    g_object_class_install_property(
        object_class, PROP_READERS,
        g_param_spec_object("readers", "Readers", NULL, G_TYPE_LIST_MODEL, flags));
    /**
     * SmartcarddClient:cards: (getter get_cards)
     *
     * The list of cards.
     */
    g_object_class_install_property(
        object_class, PROP_CARDS,
        g_param_spec_object("cards", "Cards", NULL, G_TYPE_LIST_MODEL, flags));
    /**
     * SmartcarddClient:running: (getter is_running)
     *
     * Whether the service is running. Becomes %FALSE before the lists are cleared, and %TRUE after
     * they have been filled.
     */
    running_spec =
        g_param_spec_boolean("running", "Running", NULL, FALSE, flags | G_PARAM_EXPLICIT_NOTIFY);
    g_object_class_install_property(object_class, PROP_RUNNING, running_spec);
    /**
     * SmartcarddClient:connection:
     *
     * The connection to the bus. If the program sets none, the client makes a connection to the
     * system bus, and another one when that is lost; the value is %NULL in between, and changes
     * without a notification.
     */
    g_object_class_install_property(
        object_class, PROP_CONNECTION,
        g_param_spec_object("connection", "Connection", NULL, G_TYPE_DBUS_CONNECTION, given));
    /**
     * SmartcarddClient:allow-interaction:
     *
     * Whether calls may have the user asked for a password. If not, a call that needs one fails
     * with %SMARTCARDD_ERROR_INTERACTION_REQUIRED.
     */
    g_object_class_install_property(
        object_class, PROP_ALLOW_INTERACTION,
        g_param_spec_boolean("allow-interaction", "Allow interaction", NULL, TRUE, given));
}

static void
smartcardd_client_class_init(SmartcarddClientClass *class)
{
    GObjectClass *object_class = G_OBJECT_CLASS(class);

    object_class->dispose = dispose_client;
    object_class->finalize = finalize_client;
    object_class->get_property = get_client_property;
    object_class->set_property = set_client_property;
    smartcardd_client_install_values(object_class);
    install_own_properties(object_class);
    install_signals();
}

void
smartcardd_client_set_running(SmartcarddClient *self, gboolean running)
{
    if (self->running == running)
        return;
    self->running = running;
    g_object_notify_by_pspec(G_OBJECT(self), running_spec);
}

static void
smartcardd_client_init(SmartcarddClient *self)
{
    self->home = g_main_context_ref_thread_default();
    self->tree = smartcardd_tree_new(handle_tree_event, self);
    smartcardd_client_init_values(self);
}

static SmartcarddLoaded *
load_for_sync(GDBusConnection *connection, GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_load_async(connection, SMARTCARDD_SERVICE_NAME, cancellable,
                          smartcardd_wait_callback, &wait);
    SmartcarddLoaded *loaded = smartcardd_load_finish(smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return loaded;
}

static GDBusConnection *
connect_for_sync(SmartcarddClient *self, GCancellable *cancellable, GError **error)
{
    if (self->given)
        return g_object_ref(self->given);
    return smartcardd_connect(cancellable, error);
}

/* In a thread that owns the context home. */
static gboolean
init_at_home(SmartcarddClient *self, GCancellable *cancellable, GError **error)
{
    GError *failure = NULL;
    g_autoptr(GDBusConnection) connection = NULL;
    g_autoptr(SmartcarddLoaded) loaded = NULL;

    smartcardd_client_enter_home(self);
    connection = connect_for_sync(self, cancellable, &failure);
    if (connection)
        smartcardd_client_take_connection(self, connection);
    smartcardd_client_leave_home(self);
    if (connection)
        loaded = load_for_sync(connection, cancellable, &failure);
    self->generation++;
    if (loaded)
        smartcardd_client_take_loaded(self, loaded);
    else
        g_propagate_error(error, smartcardd_error_adopt(failure));
    return loaded != NULL;
}

/* Another thread runs the context home: the client is made there. */
typedef struct {
    SmartcarddClient *client;
    GCancellable *cancellable;
    GError *error;
    gboolean done;
    GMutex lock;
    GCond changed;
} RemoteInit;

static void
note_initialized(GObject *source, GAsyncResult *result, gpointer data)
{
    RemoteInit *init = data;

    g_mutex_lock(&init->lock);
    g_async_initable_init_finish(G_ASYNC_INITABLE(source), result, &init->error);
    init->done = TRUE;
    g_cond_signal(&init->changed);
    g_mutex_unlock(&init->lock);
}

static gboolean
start_remote_init(gpointer data)
{
    RemoteInit *init = data;

    smartcardd_client_enter_home(init->client);
    g_async_initable_init_async(G_ASYNC_INITABLE(init->client), G_PRIORITY_DEFAULT,
                                init->cancellable, note_initialized, init);
    smartcardd_client_leave_home(init->client);
    return G_SOURCE_REMOVE;
}

static gboolean
init_elsewhere(SmartcarddClient *self, GCancellable *cancellable, GError **error)
{
    RemoteInit init = {.client = self, .cancellable = cancellable};

    g_mutex_init(&init.lock);
    g_cond_init(&init.changed);
    g_main_context_invoke(self->home, start_remote_init, &init);
    g_mutex_lock(&init.lock);
    while (!init.done)
        g_cond_wait(&init.changed, &init.lock);
    g_mutex_unlock(&init.lock);
    g_mutex_clear(&init.lock);
    g_cond_clear(&init.changed);
    if (init.error)
        g_propagate_error(error, init.error);
    return init.error == NULL;
}

static gboolean
init_client(GInitable *initable, GCancellable *cancellable, GError **error)
{
    SmartcarddClient *self = SMARTCARDD_CLIENT(initable);

    if (!g_main_context_acquire(self->home))
        return init_elsewhere(self, cancellable, error);
    gboolean ok = init_at_home(self, cancellable, error);
    g_main_context_release(self->home);
    return ok;
}

static void
implement_initable(GInitableIface *interface)
{
    interface->init = init_client;
}

static void
handle_loaded(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    SmartcarddClient *self = g_task_get_source_object(task);
    GError *error = NULL;
    g_autoptr(SmartcarddLoaded) loaded = smartcardd_load_finish(result, &error);

    self->generation++;
    if (!loaded) {
        g_task_return_error(task, error);
        return;
    }
    if (self->bus)
        smartcardd_client_take_loaded(self, loaded);
    g_task_return_boolean(task, TRUE);
}

/* Takes the task. */
static void
load_on_connection(GTask *task, GDBusConnection *connection)
{
    SmartcarddClient *self = g_task_get_source_object(task);

    smartcardd_client_take_connection(self, connection);
    smartcardd_load_async(connection, SMARTCARDD_SERVICE_NAME, g_task_get_cancellable(task),
                          handle_loaded, task);
}

static void
handle_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GDBusConnection) connection = smartcardd_connect_finish(result, &error);

    if (connection)
        load_on_connection(g_steal_pointer(&task), connection);
    else
        g_task_return_error(task, smartcardd_error_adopt(error));
}

static void
init_client_async(GAsyncInitable *initable, int priority, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer data)
{
    SmartcarddClient *self = SMARTCARDD_CLIENT(initable);
    GTask *task = g_task_new(self, cancellable, callback, data);

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, init_client_async);
    if (self->given)
        load_on_connection(task, self->given);
    else
        smartcardd_connect_async(cancellable, handle_connected, task);
}

static gboolean
init_client_finish(GAsyncInitable *initable, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
implement_async_initable(GAsyncInitableIface *interface)
{
    interface->init_async = init_client_async;
    interface->init_finish = init_client_finish;
}
