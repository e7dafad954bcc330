/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SmartcarddSession: commands as objects. A command may take several APDUs: the parts of a chain,
 * and those that fetch the rest of a response. All are in one transaction.
 */

#include <string.h>

#include "command.h"
#include "error.h"
#include "exchange.h"
#include "secret.h"

#define INS_GET_RESPONSE 0xC0
#define ROUNDS_MAX 1024

typedef struct {
    SmartcarddCommand *command;
    gboolean extended;
    gsize offset; /* of the data that is not sent yet */
    SmartcarddApdu apdu;
    GPtrArray *parts; /* of GBytes: data of responses */
    guint16 status_word;
    guint n_rounds;
    gint timeout_ms;
    gboolean begun;     /* a transaction of this command */
    gboolean may_begin; /* the session had none */
} Sending;

static void
free_sending(gpointer data)
{
    Sending *sending = data;

    g_object_unref(sending->command);
    g_ptr_array_unref(sending->parts);
    explicit_bzero(&sending->apdu, sizeof sending->apdu);
    g_free(sending);
}

static Sending *
new_sending(SmartcarddSession *session, SmartcarddCommand *command, gint timeout_ms)
{
    Sending *sending = g_new0(Sending, 1);

    sending->command = g_object_ref(command);
    sending->extended = session->abilities.extended && smartcardd_command_is_long(command);
    sending->parts = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    sending->timeout_ms = timeout_ms;
    sending->may_begin =
        smartcardd_session_get_share_mode(session) == SMARTCARDD_SHARE_MODE_SHARED &&
        !smartcardd_session_is_in_transaction(session);
    sending->offset = smartcardd_command_write(command, sending->extended, 0, &sending->apdu);
    return sending;
}

/* The class of GET RESPONSE has the logical channel of the command (ISO 7816-4, section 5.4.1). */
static guint8
get_response_class(guint8 class)
{
    if ((class & 0xE0) == 0x00)
        return class & 0x03;
    return (class & 0xC0) == 0x40 ? class & 0x4F : class;
}

static void
write_get_response(Sending *sending, guint8 le)
{
    guint8 class = get_response_class(smartcardd_command_get_instruction_class(sending->command));

    sending->apdu = (SmartcarddApdu){
        .head = {class, INS_GET_RESPONSE}, .head_length = 4, .tail = {le}, .tail_length = 1};
}

/* Returns whether there is another APDU to send. */
static gboolean
choose_next(Sending *sending)
{
    gboolean is_short = sending->apdu.tail_length <= 1 && !sending->extended;

    if (++sending->n_rounds == ROUNDS_MAX)
        return FALSE;
    switch (sending->status_word >> 8) {
    case 0x61:
        write_get_response(sending, (guint8)sending->status_word);
        return TRUE;
    case 0x6C:
        if (!is_short || (sending->apdu.tail_length == 1 &&
                          sending->apdu.tail[0] == (guint8)sending->status_word))
            return FALSE;
        sending->apdu.tail[0] = (guint8)sending->status_word;
        sending->apdu.tail_length = 1;
        return TRUE;
    default:
        break;
    }
    if (sending->status_word != 0x9000 ||
        sending->offset == g_bytes_get_size(smartcardd_command_get_data(sending->command)))
        return FALSE;
    sending->offset = smartcardd_command_write(sending->command, sending->extended, sending->offset,
                                               &sending->apdu);
    return TRUE;
}

/* Takes a response. Returns whether there is another APDU to send, or sets an error. */
static gboolean
take_response(Sending *sending, GBytes *response, GError **error)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);

    if (length < 2) {
        g_set_error_literal(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_COMM_DATA_LOST,
                            "the response is shorter than a status word");
        return FALSE;
    }
    sending->status_word = (guint16)(bytes[length - 2] << 8 | bytes[length - 1]);
    if (length > 2 && sending->status_word >> 8 != 0x6C)
        g_ptr_array_add(sending->parts, g_bytes_new_from_bytes(response, 0, length - 2));
    return choose_next(sending);
}

/* Returns all data; copies it if there are several parts only. */
static GBytes *
join_data(const Sending *sending)
{
    gsize total = 0;
    guint8 *at;

    if (sending->parts->len == 0)
        return g_bytes_new(NULL, 0);
    if (sending->parts->len == 1)
        return g_bytes_ref(g_ptr_array_index(sending->parts, 0));
    for (guint i = 0; i < sending->parts->len; i++)
        total += g_bytes_get_size(g_ptr_array_index(sending->parts, i));
    GBytes *joined = smartcardd_secret_new_empty(total, &at);
    for (guint i = 0; i < sending->parts->len; i++) {
        gsize length;
        gconstpointer part = g_bytes_get_data(g_ptr_array_index(sending->parts, i), &length);
        memcpy(at, part, length);
        at += length;
    }
    return joined;
}

static SmartcarddRequest *
new_apdu_request(const Sending *sending)
{
    SmartcarddRequest *request = smartcardd_request_new(SCD_FRAME_TRANSMIT, 0, sending->timeout_ms);

    smartcardd_apdu_add_to(&sending->apdu, request);
    return request;
}

static void
forget_request(SmartcarddRequest *request, gpointer data)
{
    smartcardd_request_unref(request);
}

/* Does not wait for the answer. */
static void
end_transaction(SmartcarddSession *session, const Sending *sending)
{
    if (!sending->begun)
        return;
    SmartcarddRequest *request =
        smartcardd_request_new(SCD_FRAME_END, SMARTCARDD_DISPOSITION_LEAVE, G_MAXINT);
    if (smartcardd_session_has_channel(session)) {
        request->done = forget_request;
        smartcardd_exchange_start(session, &request, 1, NULL);
    } else {
        smartcardd_exchange_run(session, request, NULL, NULL);
        smartcardd_request_unref(request);
    }
}

static gboolean
run_begin(SmartcarddSession *session, Sending *sending, GCancellable *cancellable, GError **error)
{
    g_autoptr(SmartcarddRequest) request =
        smartcardd_request_new(SCD_FRAME_BEGIN, 0, sending->timeout_ms);

    sending->begun = smartcardd_exchange_run(session, request, cancellable, error);
    if (sending->begun)
        smartcardd_session_note_use(session, request->value != 0, FALSE);
    return sending->begun;
}

static gboolean
run_all(SmartcarddSession *session, Sending *sending, GCancellable *cancellable, GError **error)
{
    GError *failure = NULL;
    gboolean more = TRUE;

    while (more && !failure) {
        g_autoptr(SmartcarddRequest) request = new_apdu_request(sending);
        more = smartcardd_exchange_run(session, request, cancellable, &failure) &&
               take_response(sending, request->response, &failure);
    }
    if (failure)
        g_propagate_error(error, failure);
    return failure == NULL;
}

/**
 * smartcardd_session_send:
 * @self: a session
 * @command: a command
 * @timeout_ms: a time limit for each APDU in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): takes the call back
 * @status_word: (out) (optional): return location for the status word, such as 0x9000
 * @error: return location for an error
 *
 * Sends a command to the card, see [method@Session.send_async]. Blocks until the card has
 * answered.
 *
 * Returns: (transfer full): the data of the response
 */
GBytes *
smartcardd_session_send(SmartcarddSession *self, SmartcarddCommand *command, gint timeout_ms,
                        GCancellable *cancellable, guint16 *status_word, GError **error)
{
    Sending *sending = new_sending(self, command, timeout_ms);
    GBytes *data = NULL;

    if ((!sending->may_begin || run_begin(self, sending, cancellable, error)) &&
        run_all(self, sending, cancellable, error))
        data = join_data(sending);
    end_transaction(self, sending);
    if (status_word)
        *status_word = sending->status_word;
    free_sending(sending);
    return data;
}

static void end_apdu(SmartcarddRequest *request, gpointer data);

static void
start_apdu(GTask *task)
{
    SmartcarddRequest *request = new_apdu_request(g_task_get_task_data(task));

    request->done = end_apdu;
    request->data = task;
    smartcardd_exchange_start(g_task_get_source_object(task), &request, 1,
                              g_task_get_cancellable(task));
}

static void
end_sending(GTask *task, GError *error)
{
    Sending *sending = g_task_get_task_data(task);

    end_transaction(g_task_get_source_object(task), sending);
    if (error)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, join_data(sending), (GDestroyNotify)g_bytes_unref);
    g_object_unref(task);
}

static void
end_apdu(SmartcarddRequest *request, gpointer data)
{
    GTask *task = data;
    GError *error = NULL;

    if (smartcardd_exchange_is_unresolved(g_task_get_source_object(task), request))
        return;
    if (smartcardd_request_check(request, &error) &&
        take_response(g_task_get_task_data(task), request->response, &error))
        start_apdu(task);
    else
        end_sending(task, error);
    smartcardd_request_unref(request);
}

static void
handle_begun(SmartcarddRequest *request, gpointer data)
{
    GTask *task = data;
    Sending *sending = g_task_get_task_data(task);
    GError *error = NULL;

    if (smartcardd_exchange_is_unresolved(g_task_get_source_object(task), request))
        return;
    sending->begun = smartcardd_request_check(request, &error);
    if (sending->begun) {
        smartcardd_session_note_use(g_task_get_source_object(task), request->value != 0, FALSE);
        start_apdu(task);
    } else {
        end_sending(task, error);
    }
    smartcardd_request_unref(request);
}

/**
 * smartcardd_session_send_async:
 * @self: a session
 * @command: a command
 * @timeout_ms: a time limit for each APDU in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): takes the call back
 * @callback: (scope async) (closure data): called when the card has answered
 * @data: data for the callback
 *
 * Sends a command to the card: as an extended APDU if it is long and the card supports that, and
 * as a chain of short APDUs if it does not. Fetches the rest of the response after 61xx, and
 * repeats the command with the right expected length after 6Cxx.
 *
 * All this is one transaction, unless the session is in a transaction already.
 */
void
smartcardd_session_send_async(SmartcarddSession *self, SmartcarddCommand *command, gint timeout_ms,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);
    Sending *sending = new_sending(self, command, timeout_ms);

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_source_tag(task, smartcardd_session_send_async);
    g_task_set_task_data(task, sending, free_sending);
    if (!sending->may_begin) {
        start_apdu(task);
        return;
    }
    SmartcarddRequest *request = smartcardd_request_new(SCD_FRAME_BEGIN, 0, timeout_ms);
    request->done = handle_begun;
    request->data = task;
    smartcardd_exchange_start(self, &request, 1, cancellable);
}

/**
 * smartcardd_session_send_finish:
 * @self: a session
 * @result: the result of the call
 * @status_word: (out) (optional): return location for the status word, such as 0x9000
 * @error: return location for an error
 *
 * Returns: (transfer full): the data of the response
 */
GBytes *
smartcardd_session_send_finish(SmartcarddSession *self, GAsyncResult *result, guint16 *status_word,
                               GError **error)
{
    const Sending *sending = g_task_get_task_data(G_TASK(result));

    if (status_word)
        *status_word = sending->status_word;
    return g_task_propagate_pointer(G_TASK(result), error);
}
