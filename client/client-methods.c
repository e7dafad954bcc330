/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SmartcarddClient: constructors, lists, and the calls that wait for a card. */

#include "client-methods.h"

#include "reader.h"

/**
 * smartcardd_client_new:
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Connects to the service, which starts if it is not running, and reads the readers and cards.
 * Blocks meanwhile. If another thread runs the thread-default main context of this one, waits for
 * that.
 *
 * Returns: (transfer full): the client
 */
SmartcarddClient *
smartcardd_client_new(GCancellable *cancellable, GError **error)
{
    return g_initable_new(SMARTCARDD_TYPE_CLIENT, cancellable, error, NULL);
}

/**
 * smartcardd_client_new_for_connection:
 * @connection: a connection to the bus
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * The same as [ctor@Client.new] on a connection that the program has made, such as one to another
 * machine. When it is lost, the lists stay empty.
 *
 * Returns: (transfer full): the client
 */
SmartcarddClient *
smartcardd_client_new_for_connection(GDBusConnection *connection, GCancellable *cancellable,
                                     GError **error)
{
    return g_initable_new(SMARTCARDD_TYPE_CLIENT, cancellable, error, "connection", connection,
                          NULL);
}

/**
 * smartcardd_client_create_async:
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure data): called when the client is ready
 * @data: data for the callback
 *
 * Connects to the service, which starts if it is not running, and reads the readers and cards.
 */
void
smartcardd_client_create_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer data)
{
    g_async_initable_new_async(SMARTCARDD_TYPE_CLIENT, G_PRIORITY_DEFAULT, cancellable, callback,
                               data, NULL);
}

/**
 * smartcardd_client_create_finish:
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the client
 */
SmartcarddClient *
smartcardd_client_create_finish(GAsyncResult *result, GError **error)
{
    g_autoptr(GObject) source = g_async_result_get_source_object(result);
    GObject *client = g_async_initable_new_finish(G_ASYNC_INITABLE(source), result, error);

    return client ? SMARTCARDD_CLIENT(client) : NULL;
}

/**
 * smartcardd_client_get_readers: (get-property readers)
 * @self: a client
 *
 * Returns: (transfer none): the list of [class@Reader]
 */
GListModel *
smartcardd_client_get_readers(SmartcarddClient *self)
{
    return smartcardd_tree_readers(self->tree);
}

/**
 * smartcardd_client_get_cards: (get-property cards)
 * @self: a client
 *
 * Returns: (transfer none): the list of [class@Card]
 */
GListModel *
smartcardd_client_get_cards(SmartcarddClient *self)
{
    return smartcardd_tree_cards(self->tree);
}

/**
 * smartcardd_client_is_running: (get-property running)
 * @self: a client
 *
 * Returns: whether the service is running
 */
gboolean
smartcardd_client_is_running(SmartcarddClient *self)
{
    return self->running;
}

/**
 * smartcardd_client_is_available: (get-property available)
 * @self: a client
 *
 * Returns: whether pcscd can be reached
 */
gboolean
smartcardd_client_is_available(SmartcarddClient *self)
{
    return self->values[SMARTCARDD_VALUE_AVAILABLE].number != 0;
}

/**
 * smartcardd_client_get_unavailable_reason: (get-property unavailable-reason)
 * @self: a client
 *
 * Returns: one line in English: why pcscd cannot be reached; empty if it can
 */
const char *
smartcardd_client_get_unavailable_reason(SmartcarddClient *self)
{
    return self->values[SMARTCARDD_VALUE_UNAVAILABLE_REASON].text;
}

/**
 * smartcardd_client_get_version: (get-property version)
 * @self: a client
 *
 * Returns: the version of the service
 */
const char *
smartcardd_client_get_version(SmartcarddClient *self)
{
    return self->values[SMARTCARDD_VALUE_VERSION].text;
}

/**
 * smartcardd_client_get_features: (get-property features)
 * @self: a client
 *
 * Returns: (transfer none) (array zero-terminated=1): the features of the service
 */
const char *const *
smartcardd_client_get_features(SmartcarddClient *self)
{
    return (const char *const *)self->values[SMARTCARDD_VALUE_FEATURES].list;
}

/**
 * smartcardd_client_find_reader:
 * @self: a client
 * @selector: an alias, a PC/SC name, an object path, a USB position such as "1-3.1" or "1-3.1/0",
 *   which has the slot, or a serial number
 *
 * Finds the reader that a user names.
 *
 * Returns: (transfer none) (nullable): the reader; %NULL if there is none, or if several readers
 *   are at the USB position or have the serial number
 */
SmartcarddReader *
smartcardd_client_find_reader(SmartcarddClient *self, const char *selector)
{
    GListModel *readers = smartcardd_tree_readers(self->tree);

    for (guint meaning = 0; meaning < SMARTCARDD_N_SELECTOR_MEANINGS; meaning++) {
        SmartcarddReader *found = NULL;
        guint count = 0;
        for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
            g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);
            if (smartcardd_reader_fits(reader, selector, meaning)) {
                found = reader; /* the list has a reference */
                count++;
            }
        }
        if (count > 0)
            return count == 1 ? found : NULL;
    }
    return NULL;
}

/* A call of wait_for_card(), in the context of the client. */
typedef struct {
    char *selector; /* NULL: any reader */
    GSource *timer;
    GSource *cancellation;
} PendingWait;

static void
destroy_source(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

static void
free_pending_wait(gpointer data)
{
    PendingWait *wait = data;

    g_free(wait->selector);
    g_free(wait);
}

/* Takes the task from the list of the client. */
static void
stop_wait(GTask *task)
{
    SmartcarddClient *self = g_task_get_source_object(task);
    PendingWait *wait = g_task_get_task_data(task);

    self->waits = g_list_remove(self->waits, task);
    g_clear_pointer(&wait->timer, destroy_source);
    g_clear_pointer(&wait->cancellation, destroy_source);
}

static gboolean
end_wait_late(gpointer data)
{
    g_autoptr(GTask) task = data;

    stop_wait(task);
    g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_TIMEOUT,
                            "no card was inserted in time");
    return G_SOURCE_REMOVE;
}

static gboolean
end_cancelled_wait(GCancellable *cancellable, gpointer data)
{
    g_autoptr(GTask) task = data;

    stop_wait(task);
    g_task_return_new_error(task, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED,
                            "the operation was cancelled");
    return G_SOURCE_REMOVE;
}

static gboolean
is_wanted(SmartcarddClient *self, const PendingWait *wait, SmartcarddCard *card)
{
    return !wait->selector ||
           smartcardd_client_find_reader(self, wait->selector) == smartcardd_card_get_reader(card);
}

void
smartcardd_client_end_waits(SmartcarddClient *self, SmartcarddCard *card)
{
    for (GList *link = self->waits, *next; link; link = next) {
        GTask *task = link->data;
        next = link->next;
        if (!is_wanted(self, g_task_get_task_data(task), card))
            continue;
        stop_wait(task);
        g_task_return_pointer(task, g_object_ref(card), g_object_unref);
        g_object_unref(task);
        next = self->waits; /* a callback may have changed the list */
    }
}

/* Returns a reference. */
static SmartcarddCard *
find_card(SmartcarddClient *self, const PendingWait *wait)
{
    GListModel *cards = smartcardd_tree_cards(self->tree);

    for (guint i = 0; i < g_list_model_get_n_items(cards); i++) {
        g_autoptr(SmartcarddCard) card = g_list_model_get_item(cards, i);
        if (is_wanted(self, wait, card))
            return g_steal_pointer(&card);
    }
    return NULL;
}

static void
start_wait(GTask *task, gint timeout_ms)
{
    SmartcarddClient *self = g_task_get_source_object(task);
    PendingWait *wait = g_task_get_task_data(task);
    GCancellable *cancellable = g_task_get_cancellable(task);

    self->waits = g_list_append(self->waits, task);
    if (timeout_ms >= 0 && timeout_ms < G_MAXINT) {
        wait->timer = g_timeout_source_new((guint)timeout_ms);
        g_source_set_callback(wait->timer, end_wait_late, task, NULL);
        g_source_attach(wait->timer, self->home);
    }
    if (cancellable) {
        wait->cancellation = g_cancellable_source_new(cancellable);
        g_source_set_callback(wait->cancellation, G_SOURCE_FUNC(end_cancelled_wait), task, NULL);
        g_source_attach(wait->cancellation, self->home);
    }
}

/**
 * smartcardd_client_wait_for_card_async:
 * @self: a client
 * @reader: (nullable): accept a card in this reader only: as for [method@Client.find_reader]. The
 *   reader need not be there yet
 * @timeout_ms: a time limit in milliseconds; %SMARTCARDD_TIMEOUT_DEFAULT and
 *   %SMARTCARDD_TIMEOUT_NONE: none
 * @cancellable: (nullable): ends the wait
 * @callback: (scope async) (closure data): called when there is a card
 * @data: data for the callback
 *
 * Waits for a card, which may be there already. The wait goes on while the service restarts.
 */
void
smartcardd_client_wait_for_card_async(SmartcarddClient *self, const char *reader, gint timeout_ms,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);
    PendingWait *wait = g_new0(PendingWait, 1);

    wait->selector = g_strdup(reader);
    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, smartcardd_client_wait_for_card_async);
    g_task_set_task_data(task, wait, free_pending_wait);
    SmartcarddCard *card = find_card(self, wait);
    if (!card) {
        start_wait(task, timeout_ms);
        return;
    }
    g_task_return_pointer(task, card, g_object_unref);
    g_object_unref(task);
}

/**
 * smartcardd_client_wait_for_card_finish:
 * @self: a client
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the card
 */
SmartcarddCard *
smartcardd_client_wait_for_card_finish(SmartcarddClient *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

static void
keep_result(GObject *source, GAsyncResult *result, gpointer data)
{
    GAsyncResult **place = data;

    *place = g_object_ref(result);
}

/**
 * smartcardd_client_wait_for_card:
 * @self: a client
 * @reader: (nullable): accept a card in this reader only: as for [method@Client.find_reader]. The
 *   reader need not be there yet
 * @timeout_ms: a time limit in milliseconds; %SMARTCARDD_TIMEOUT_DEFAULT and
 *   %SMARTCARDD_TIMEOUT_NONE: none
 * @cancellable: (nullable): ends the wait
 * @error: return location for an error
 *
 * Waits for a card, which may be there already. Runs the main context of the client meanwhile, so
 * that the lists change; the calling thread must be the one that may run it.
 *
 * Returns: (transfer full): the card
 */
SmartcarddCard *
smartcardd_client_wait_for_card(SmartcarddClient *self, const char *reader, gint timeout_ms,
                                GCancellable *cancellable, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;

    g_return_val_if_fail(g_main_context_acquire(self->home), NULL);
    while (g_main_context_iteration(self->home, FALSE))
        ;
    g_main_context_push_thread_default(self->home);
    smartcardd_client_wait_for_card_async(self, reader, timeout_ms, cancellable, keep_result,
                                          &result);
    while (!result)
        g_main_context_iteration(self->home, TRUE);
    g_main_context_pop_thread_default(self->home);
    g_main_context_release(self->home);
    return smartcardd_client_wait_for_card_finish(self, result, error);
}
