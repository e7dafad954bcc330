/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SmartcarddSession: commands as bytes. */

#include "error.h"
#include "exchange.h"

typedef struct {
    SmartcarddSession *session;
    GBytes *command;
    SmartcarddRequest *request;
} Transmission;

static void
free_transmission(gpointer data)
{
    Transmission *transmission = data;

    smartcardd_request_unref(transmission->request);
    g_bytes_unref(transmission->command);
    g_free(transmission);
}

static SmartcarddRequest *
new_transmit_request(GBytes *command, gint timeout_ms)
{
    SmartcarddRequest *request = smartcardd_request_new(SCD_FRAME_TRANSMIT, 0, timeout_ms);
    gsize length;
    gconstpointer bytes = g_bytes_get_data(command, &length);

    smartcardd_request_add_part(request, bytes, length);
    return request;
}

/* Returns a task that keeps its result when the cancellable is cancelled. */
static GTask *
new_task(SmartcarddSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
         gpointer data, gpointer tag)
{
    GTask *task = g_task_new(self, cancellable, callback, data);

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, tag);
    return task;
}

static void
end_transmission(SmartcarddRequest *request, gpointer data)
{
    GTask *task = data;
    GError *error = NULL;

    if (smartcardd_exchange_is_unresolved(g_task_get_source_object(task), request))
        return;
    if (smartcardd_request_check(request, &error))
        g_task_return_pointer(task, g_bytes_ref(request->response), (GDestroyNotify)g_bytes_unref);
    else
        g_task_return_error(task, error);
    g_object_unref(task);
}

/**
 * smartcardd_session_transmit_async:
 * @self: a session
 * @command: a command APDU
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the card has answered
 * @data: data for the callback
 *
 * Sends a command to the card, as it is.
 */
void
smartcardd_session_transmit_async(SmartcarddSession *self, GBytes *command, gint timeout_ms,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer data)
{
    GTask *task = new_task(self, cancellable, callback, data, smartcardd_session_transmit_async);
    Transmission *transmission = g_new0(Transmission, 1);

    transmission->command = g_bytes_ref(command);
    transmission->request = new_transmit_request(command, timeout_ms);
    transmission->request->done = end_transmission;
    transmission->request->data = task;
    g_task_set_task_data(task, transmission, free_transmission);
    smartcardd_exchange_start(self, &transmission->request, 1, cancellable);
}

/**
 * smartcardd_session_transmit_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the response, whose last two bytes are the status word
 */
GBytes *
smartcardd_session_transmit_finish(SmartcarddSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_session_transmit:
 * @self: a session
 * @command: a command APDU
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Sends a command to the card, as it is. Blocks until the card has answered.
 *
 * Returns: (transfer full): the response, whose last two bytes are the status word
 */
GBytes *
smartcardd_session_transmit(SmartcarddSession *self, GBytes *command, gint timeout_ms,
                            GCancellable *cancellable, GError **error)
{
    g_autoptr(SmartcarddRequest) request = new_transmit_request(command, timeout_ms);

    if (!smartcardd_exchange_run(self, request, cancellable, error))
        return NULL;
    return g_steal_pointer(&request->response);
}

/* Commands that are sent one after another, or all at once. */
typedef struct {
    GPtrArray *commands;  /* of GBytes */
    GPtrArray *requests;  /* of SmartcarddRequest, as far as they were started */
    GPtrArray *responses; /* of GBytes */
    char **expect;        /* patterns, or NULL */
    gint timeout_ms;
    gint n_pending; /* atomic */
} Batch;

static void
free_batch(gpointer data)
{
    Batch *batch = data;

    g_ptr_array_unref(batch->commands);
    g_ptr_array_unref(batch->requests);
    g_clear_pointer(&batch->responses, g_ptr_array_unref);
    g_strfreev(batch->expect);
    g_free(batch);
}

static gboolean
matches_pattern(const char *pattern, guint16 status_word)
{
    g_autofree char *digits = g_strdup_printf("%04X", status_word);

    for (guint i = 0; i < 4; i++)
        if (g_ascii_toupper(pattern[i]) != 'X' && g_ascii_toupper(pattern[i]) != digits[i])
            return FALSE;
    return pattern[4] == '\0';
}

static gboolean
is_expected(const Batch *batch, GBytes *response)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);

    if (!batch->expect)
        return TRUE;
    if (length < 2)
        return FALSE;
    guint16 status_word = (guint16)(bytes[length - 2] << 8 | bytes[length - 1]);
    for (char **pattern = batch->expect; *pattern; pattern++)
        if (strlen(*pattern) >= 4 && matches_pattern(*pattern, status_word))
            return TRUE;
    return FALSE;
}

static SmartcarddRequest *
add_request(Batch *batch)
{
    GBytes *command = g_ptr_array_index(batch->commands, batch->requests->len);
    SmartcarddRequest *request = new_transmit_request(command, batch->timeout_ms);

    g_ptr_array_add(batch->requests, request);
    return request;
}

/* Moves the response of a request, in the order of the commands. Returns FALSE after a failure. */
static gboolean
take_response(Batch *batch, SmartcarddRequest *request, GError **error)
{
    if (!smartcardd_request_check(request, error)) {
        g_prefix_error(error, "command %u: ", batch->responses->len + 1);
        return FALSE;
    }
    g_ptr_array_add(batch->responses, g_steal_pointer(&request->response));
    return TRUE;
}

static void
end_batch(GTask *task)
{
    Batch *batch = g_task_get_task_data(task);
    GError *error = NULL;
    gboolean ok = TRUE;

    for (guint i = batch->responses->len; i < batch->requests->len && ok; i++)
        ok = take_response(batch, g_ptr_array_index(batch->requests, i), &error);
    if (error)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, g_steal_pointer(&batch->responses),
                              (GDestroyNotify)g_ptr_array_unref);
    g_object_unref(task);
}

static void
end_one_of_all(SmartcarddRequest *request, gpointer data)
{
    GTask *task = data;
    Batch *batch = g_task_get_task_data(task);

    if (smartcardd_exchange_is_unresolved(g_task_get_source_object(task), request))
        return;
    if (g_atomic_int_dec_and_test(&batch->n_pending))
        end_batch(task);
}

static void start_next(GTask *task);

static void
end_one_of_series(SmartcarddRequest *request, gpointer data)
{
    GTask *task = data;
    Batch *batch = g_task_get_task_data(task);
    GError *error = NULL;

    if (smartcardd_exchange_is_unresolved(g_task_get_source_object(task), request))
        return;
    if (!take_response(batch, request, &error)) {
        g_task_return_error(task, error);
        g_object_unref(task);
        return;
    }
    GBytes *response = g_ptr_array_index(batch->responses, batch->responses->len - 1);
    if (batch->responses->len == batch->commands->len || !is_expected(batch, response))
        end_batch(task);
    else
        start_next(task);
}

static void
start_next(GTask *task)
{
    SmartcarddRequest *request = add_request(g_task_get_task_data(task));

    request->done = end_one_of_series;
    request->data = task;
    smartcardd_exchange_start(g_task_get_source_object(task), &request, 1,
                              g_task_get_cancellable(task));
}

static void
start_all(GTask *task)
{
    Batch *batch = g_task_get_task_data(task);

    batch->n_pending = (gint)batch->commands->len;
    while (batch->requests->len < batch->commands->len) {
        SmartcarddRequest *request = add_request(batch);
        request->done = end_one_of_all;
        request->data = task;
    }
    smartcardd_exchange_start(g_task_get_source_object(task),
                              (SmartcarddRequest **)batch->requests->pdata, batch->requests->len,
                              g_task_get_cancellable(task));
}

static Batch *
new_batch(GPtrArray *commands, const char *const *expect, gint timeout_ms)
{
    Batch *batch = g_new0(Batch, 1);

    batch->commands = g_ptr_array_new_full(commands->len, (GDestroyNotify)g_bytes_unref);
    for (guint i = 0; i < commands->len; i++)
        g_ptr_array_add(batch->commands, g_bytes_ref(g_ptr_array_index(commands, i)));
    batch->requests = g_ptr_array_new_full(commands->len, (GDestroyNotify)smartcardd_request_unref);
    batch->responses = g_ptr_array_new_full(commands->len, (GDestroyNotify)g_bytes_unref);
    batch->expect = g_strdupv((char **)expect);
    batch->timeout_ms = timeout_ms;
    return batch;
}

/**
 * smartcardd_session_transmit_many_async:
 * @self: a session
 * @commands: (element-type GBytes): command APDUs
 * @expect: (nullable) (array zero-terminated=1): patterns of status words, such as "9000" and
 *   "61xx"; or %NULL, to send all commands whatever the responses are
 * @timeout_ms: a time limit for each command in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the commands that the card has not received
 * @callback: (scope async) (closure data): called when the card has answered
 * @data: data for the callback
 *
 * Sends several commands to the card, in their order.
 *
 * Without @expect they are sent without waiting for the responses, which is fast: use it for
 * commands that do not depend on each other. With @expect each is sent when the one before has
 * been answered with one of these status words; after another status word no command is sent.
 *
 * Other programs may use the card in between. Begin a transaction to prevent that.
 */
void
smartcardd_session_transmit_many_async(SmartcarddSession *self, GPtrArray *commands,
                                       const char *const *expect, gint timeout_ms,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer data)
{
    GTask *task =
        new_task(self, cancellable, callback, data, smartcardd_session_transmit_many_async);

    g_task_set_task_data(task, new_batch(commands, expect, timeout_ms), free_batch);
    if (commands->len == 0)
        end_batch(task);
    else if (expect)
        start_next(task);
    else
        start_all(task);
}

/**
 * smartcardd_session_transmit_many_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer container) (element-type GBytes): one response for each command that was sent.
 * If a command fails, all is an error, whose message has the number of the command
 */
GPtrArray *
smartcardd_session_transmit_many_finish(SmartcarddSession *self, GAsyncResult *result,
                                        GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

static gboolean
take_all_responses(Batch *batch, GError **error)
{
    for (guint i = 0; i < batch->requests->len; i++)
        if (!take_response(batch, g_ptr_array_index(batch->requests, i), error))
            return FALSE;
    return TRUE;
}

static gboolean
run_all(SmartcarddSession *self, Batch *batch, GCancellable *cancellable, GError **error)
{
    while (batch->requests->len < batch->commands->len)
        add_request(batch);
    smartcardd_exchange_run_all(self, (SmartcarddRequest **)batch->requests->pdata,
                                batch->requests->len, cancellable);
    return take_all_responses(batch, error);
}

static gboolean
run_series(SmartcarddSession *self, Batch *batch, GCancellable *cancellable, GError **error)
{
    GBytes *response;

    do {
        SmartcarddRequest *request = add_request(batch);
        smartcardd_exchange_run_all(self, &request, 1, cancellable);
        if (!take_response(batch, request, error))
            return FALSE;
        response = g_ptr_array_index(batch->responses, batch->responses->len - 1);
    } while (batch->requests->len < batch->commands->len && is_expected(batch, response));
    return TRUE;
}

/**
 * smartcardd_session_transmit_many:
 * @self: a session
 * @commands: (element-type GBytes): command APDUs
 * @expect: (nullable) (array zero-terminated=1): patterns of status words, or %NULL
 * @timeout_ms: a time limit for each command in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the commands that the card has not received
 * @error: return location for an error
 *
 * Sends several commands to the card, see [method@Session.transmit_many_async]. Blocks until the
 * card has answered.
 *
 * Returns: (transfer container) (element-type GBytes): one response for each command that was sent
 */
GPtrArray *
smartcardd_session_transmit_many(SmartcarddSession *self, GPtrArray *commands,
                                 const char *const *expect, gint timeout_ms,
                                 GCancellable *cancellable, GError **error)
{
    Batch *batch = new_batch(commands, expect, timeout_ms);
    GPtrArray *responses = NULL;
    gboolean ok = commands->len == 0 || (expect ? run_series(self, batch, cancellable, error)
                                                : run_all(self, batch, cancellable, error));

    if (ok)
        responses = g_steal_pointer(&batch->responses);
    free_batch(batch);
    return responses;
}
