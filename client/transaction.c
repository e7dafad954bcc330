/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "smartcardd-transaction.h"

#include "exchange.h"
#include "wait.h"

/**
 * SmartcarddTransaction:
 *
 * A time in which no other program uses the card.
 *
 * It begins with [method@Session.begin_transaction], and ends with [method@Transaction.end] or when
 * the last reference goes: in C at the end of a block, with `g_autoptr`. In a language with a
 * garbage collector, end it.
 *
 * The service ends a transaction that is idle for some seconds while others wait: it resets the
 * card, and the next command fails with %SMARTCARDD_ERROR_RESET_CARD. So do not wait for a user
 * during a transaction. Transactions nest.
 *
 * ```c
 * {
 *     g_autoptr(SmartcarddTransaction) transaction = smartcardd_session_begin_transaction(
 *         session, SMARTCARDD_TIMEOUT_DEFAULT, NULL, &error);
 *     if (!transaction)
 *         return FALSE;
 *     if (smartcardd_transaction_get_card_used(transaction))
 *         select_application(session);
 *     // … other commands of the session …
 * }
 * ```
 */
struct _SmartcarddTransaction {
    GObject parent;
    SmartcarddSession *session;
    gboolean card_used;
    gint ended; /* atomic */
};

G_DEFINE_FINAL_TYPE(SmartcarddTransaction, smartcardd_transaction, G_TYPE_OBJECT)

enum {
    PROP_SESSION = 1,
    PROP_CARD_USED,
    N_PROPERTIES,
};

static GParamSpec *specs[N_PROPERTIES];

static void
forget_request(SmartcarddRequest *request, gpointer data)
{
    smartcardd_request_unref(request);
}

/* Returns a request if the transaction is open, and marks it as ended. */
static SmartcarddRequest *
new_end_request(SmartcarddTransaction *self, SmartcarddDisposition disposition)
{
    if (!g_atomic_int_compare_and_exchange(&self->ended, 0, 1))
        return NULL;
    smartcardd_session_count_transactions(self->session, -1);
    return smartcardd_request_new(SCD_FRAME_END, disposition, SMARTCARDD_TIMEOUT_NONE);
}

static void
dispose_transaction(GObject *object)
{
    SmartcarddTransaction *self = SMARTCARDD_TRANSACTION(object);
    SmartcarddRequest *request =
        self->session ? new_end_request(self, SMARTCARDD_DISPOSITION_LEAVE) : NULL;

    if (request && smartcardd_session_has_channel(self->session)) {
        request->done = forget_request;
        smartcardd_exchange_start(self->session, &request, 1, NULL);
    } else if (request) {
        smartcardd_bus_send(self->session->bus, self->session->path, SMARTCARDD_SESSION_INTERFACE,
                            "EndTransaction", g_variant_new("(sa{sv})", "leave", NULL));
        smartcardd_request_unref(request);
    }
    g_clear_object(&self->session);
    G_OBJECT_CLASS(smartcardd_transaction_parent_class)->dispose(object);
}

static void
get_transaction_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    SmartcarddTransaction *self = SMARTCARDD_TRANSACTION(object);

    switch (id) {
    case PROP_SESSION:
        g_value_set_object(value, self->session);
        break;
    case PROP_CARD_USED:
        g_value_set_boolean(value, self->card_used);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void
smartcardd_transaction_class_init(SmartcarddTransactionClass *class)
{
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
    GObjectClass *object_class = G_OBJECT_CLASS(class);

    object_class->dispose = dispose_transaction;
    object_class->get_property = get_transaction_property;
    /**
     * SmartcarddTransaction:session: (getter get_session)
     *
     * The session.
     */
    specs[PROP_SESSION] =
        g_param_spec_object("session", "Session", NULL, SMARTCARDD_TYPE_SESSION, flags);
    /**
     * SmartcarddTransaction:card-used: (getter get_card_used)
     *
     * Whether others may have changed the state of the card.
     */
    specs[PROP_CARD_USED] = g_param_spec_boolean("card-used", "Card used", NULL, FALSE, flags);
    g_object_class_install_properties(object_class, N_PROPERTIES, specs);
}

static void
smartcardd_transaction_init(SmartcarddTransaction *self)
{
}

static SmartcarddTransaction *
new_transaction(SmartcarddSession *session, const SmartcarddRequest *begin)
{
    SmartcarddTransaction *self = g_object_new(SMARTCARDD_TYPE_TRANSACTION, NULL);

    self->session = g_object_ref(session);
    self->card_used = smartcardd_session_note_use(session, begin->value != 0, TRUE);
    smartcardd_session_count_transactions(session, 1);
    return self;
}

static GTask *
new_task(gpointer source, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data,
         gpointer tag)
{
    GTask *task = g_task_new(source, cancellable, callback, data);

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, tag);
    return task;
}

static void
handle_begun(SmartcarddRequest *request, gpointer data)
{
    GTask *task = data;
    SmartcarddSession *session = g_task_get_source_object(task);
    GError *error = NULL;

    if (smartcardd_exchange_is_unresolved(session, request))
        return;
    if (smartcardd_request_check(request, &error))
        g_task_return_pointer(task, new_transaction(session, request), g_object_unref);
    else
        g_task_return_error(task, error);
    smartcardd_request_unref(request);
    g_object_unref(task);
}

/**
 * smartcardd_session_begin_transaction_async:
 * @self: a session
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): ends the wait
 * @callback: (scope async) (closure data): called when the transaction has begun
 * @data: data for the callback
 *
 * Begins a transaction: waits until no other program has one, and reserves the card.
 */
void
smartcardd_session_begin_transaction_async(SmartcarddSession *self, gint timeout_ms,
                                           GCancellable *cancellable, GAsyncReadyCallback callback,
                                           gpointer data)
{
    SmartcarddRequest *request = smartcardd_request_new(SCD_FRAME_BEGIN, 0, timeout_ms);

    request->done = handle_begun;
    request->data =
        new_task(self, cancellable, callback, data, smartcardd_session_begin_transaction_async);
    smartcardd_exchange_start(self, &request, 1, cancellable);
}

/**
 * smartcardd_session_begin_transaction_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the transaction
 */
SmartcarddTransaction *
smartcardd_session_begin_transaction_finish(SmartcarddSession *self, GAsyncResult *result,
                                            GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_session_begin_transaction:
 * @self: a session
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): ends the wait
 * @error: return location for an error
 *
 * Begins a transaction: waits until no other program has one, and reserves the card.
 *
 * Returns: (transfer full): the transaction
 */
SmartcarddTransaction *
smartcardd_session_begin_transaction(SmartcarddSession *self, gint timeout_ms,
                                     GCancellable *cancellable, GError **error)
{
    g_autoptr(SmartcarddRequest) request = smartcardd_request_new(SCD_FRAME_BEGIN, 0, timeout_ms);

    return smartcardd_exchange_run(self, request, cancellable, error)
               ? new_transaction(self, request)
               : NULL;
}

/**
 * smartcardd_transaction_get_card_used: (get-property card-used)
 * @self: a transaction
 *
 * Returns whether others may have changed the state of the card, such as its selected file, since
 * the last transaction that the program began with this session, or since the session was opened:
 * if so, a program selects its application again. A transaction that another PC/SC program had for
 * a short time may be missed. The result is %TRUE if the service is too old to know.
 *
 * Returns: whether others may have used the card
 */
gboolean
smartcardd_transaction_get_card_used(SmartcarddTransaction *self)
{
    return self->card_used;
}

/**
 * smartcardd_transaction_get_session: (get-property session)
 * @self: a transaction
 *
 * Returns: (transfer none): its session
 */
SmartcarddSession *
smartcardd_transaction_get_session(SmartcarddTransaction *self)
{
    return self->session;
}

static void
handle_ended(SmartcarddRequest *request, gpointer data)
{
    GTask *task = data;
    SmartcarddTransaction *self = g_task_get_source_object(task);
    GError *error = NULL;

    if (smartcardd_exchange_is_unresolved(self->session, request))
        return;
    if (smartcardd_request_check(request, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
    smartcardd_request_unref(request);
    g_object_unref(task);
}

/**
 * smartcardd_transaction_end_async:
 * @self: a transaction
 * @disposition: the state in which to leave the card
 * @cancellable: (nullable): has no effect, since the end of a transaction is not taken back
 * @callback: (scope async) (closure data): called when the transaction has ended
 * @data: data for the callback
 *
 * Ends the transaction. Does nothing if it has been ended before.
 */
void
smartcardd_transaction_end_async(SmartcarddTransaction *self, SmartcarddDisposition disposition,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer data)
{
    GTask *task = new_task(self, cancellable, callback, data, smartcardd_transaction_end_async);
    SmartcarddRequest *request = new_end_request(self, disposition);

    if (!request) {
        g_task_return_boolean(task, TRUE);
        g_object_unref(task);
        return;
    }
    request->done = handle_ended;
    request->data = task;
    smartcardd_exchange_start(self->session, &request, 1, NULL);
}

/**
 * smartcardd_transaction_end_finish:
 * @self: a transaction
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_transaction_end_finish(SmartcarddTransaction *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/**
 * smartcardd_transaction_end:
 * @self: a transaction
 * @disposition: the state in which to leave the card
 * @cancellable: (nullable): has no effect, since the end of a transaction is not taken back
 * @error: return location for an error
 *
 * Ends the transaction. Does nothing if it has been ended before.
 *
 * Returns: %TRUE, or %FALSE with an error
 */
gboolean
smartcardd_transaction_end(SmartcarddTransaction *self, SmartcarddDisposition disposition,
                           GCancellable *cancellable, GError **error)
{
    g_autoptr(SmartcarddRequest) request = new_end_request(self, disposition);

    return !request || smartcardd_exchange_run(self->session, request, NULL, error);
}
