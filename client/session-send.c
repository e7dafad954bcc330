/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SmartcarddSession: commands that may take several APDUs: the parts of a chain, and those that
 * fetch the rest of a response. All are in one transaction.
 */

#include <string.h>

#include "command.h"
#include "error.h"
#include "exchange.h"
#include "secret.h"

#define HEADER_LENGTH 4
#define INS_GET_RESPONSE 0xC0
#define SW1_MORE_DATA 0x61
#define SW1_WRONG_LE 0x6C
#define ROUNDS_MAX 1024

typedef struct {
    SmartcarddCommand *command; /* NULL: these bytes are sent as they are */
    GBytes *bytes;
    guint8 instruction_class;
    gboolean follows; /* 61xx and 6Cxx */
    gboolean extended;
    gboolean has_short_le; /* the APDU has a short Le, or a place for one */
    gsize offset;          /* of the data that is not sent yet */
    SmartcarddApdu apdu;
    GPtrArray *parts; /* of GBytes: data of responses */
    guint16 status_word;
    gboolean has_status_word;
    guint n_rounds;
    gint timeout_ms;
    gboolean begun;     /* a transaction of this command */
    gboolean may_begin; /* the session had none */
} Sending;

static void
free_sending(gpointer data)
{
    Sending *sending = data;

    g_clear_object(&sending->command);
    g_clear_pointer(&sending->bytes, g_bytes_unref);
    g_ptr_array_unref(sending->parts);
    explicit_bzero(&sending->apdu, sizeof sending->apdu);
    g_free(sending);
}

static Sending *
new_sending(SmartcarddSession *session, gint timeout_ms)
{
    Sending *sending = g_new0(Sending, 1);

    sending->parts = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    sending->timeout_ms = timeout_ms;
    sending->may_begin =
        smartcardd_session_get_share_mode(session) == SMARTCARDD_SHARE_MODE_SHARED &&
        !smartcardd_session_is_in_transaction(session);
    return sending;
}

/* Writes the next APDU of the command. */
static void
write_apdu(Sending *sending)
{
    sending->offset = smartcardd_command_write(sending->command, sending->extended, sending->offset,
                                               &sending->apdu);
    sending->has_short_le = sending->apdu.tail_length <= 1 && !sending->extended;
}

static Sending *
new_sending_of_command(SmartcarddSession *session, SmartcarddCommand *command, gint timeout_ms)
{
    Sending *sending = new_sending(session, timeout_ms);

    sending->command = g_object_ref(command);
    sending->instruction_class = smartcardd_command_get_instruction_class(command);
    sending->follows = TRUE;
    sending->extended = session->abilities.extended && smartcardd_command_is_long(command);
    write_apdu(sending);
    return sending;
}

/* Returns the place of a short Le in the command, or where to add one; 0 if there is none. */
static gsize
find_short_le(const guint8 *command, gsize length)
{
    if (length == HEADER_LENGTH || length == HEADER_LENGTH + 1)
        return HEADER_LENGTH;
    if (length > HEADER_LENGTH + 1 && command[HEADER_LENGTH] > 0 &&
        length == HEADER_LENGTH + 2u + command[HEADER_LENGTH])
        return length - 1;
    return 0;
}

static Sending *
new_sending_of_bytes(SmartcarddSession *session, GBytes *bytes, gint timeout_ms)
{
    Sending *sending = new_sending(session, timeout_ms);
    gsize length;
    const guint8 *command = g_bytes_get_data(bytes, &length);
    gsize place = find_short_le(command, length);

    sending->bytes = g_bytes_ref(bytes);
    sending->instruction_class = length > 0 ? command[0] : 0;
    sending->follows = length >= HEADER_LENGTH;
    sending->has_short_le = place > 0;
    sending->apdu.data = command;
    sending->apdu.data_length = place > 0 ? place : length;
    if (place > 0 && place < length) {
        sending->apdu.tail[0] = command[place];
        sending->apdu.tail_length = 1;
    }
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
    guint8 class = get_response_class(sending->instruction_class);

    sending->has_short_le = TRUE;
    sending->apdu = (SmartcarddApdu){.head = {class, INS_GET_RESPONSE},
                                     .head_length = HEADER_LENGTH,
                                     .tail = {le},
                                     .tail_length = 1};
}

/* Returns FALSE if the card has rejected the same Le before. */
static gboolean
correct_le(Sending *sending, guint8 le)
{
    SmartcarddApdu *apdu = &sending->apdu;

    if (!sending->has_short_le || (apdu->tail_length == 1 && apdu->tail[0] == le))
        return FALSE;
    apdu->tail[0] = le;
    apdu->tail_length = 1;
    return TRUE;
}

/* Returns whether there is another APDU to send. */
static gboolean
choose_next(Sending *sending)
{
    guint8 sw1 = (guint8)(sending->status_word >> 8);

    if (++sending->n_rounds == ROUNDS_MAX || !sending->follows)
        return FALSE;
    if (sw1 == SW1_WRONG_LE)
        return correct_le(sending, (guint8)sending->status_word);
    if (sw1 == SW1_MORE_DATA) {
        write_get_response(sending, (guint8)sending->status_word);
        return TRUE;
    }
    if (sending->status_word != 0x9000 || !sending->command ||
        sending->offset == g_bytes_get_size(smartcardd_command_get_data(sending->command)))
        return FALSE;
    write_apdu(sending);
    return TRUE;
}

/* Takes a response. Returns whether there is another APDU to send, or sets an error. */
static gboolean
take_response(Sending *sending, GBytes *response, GError **error)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(response, &length);

    sending->has_status_word = length >= 2;
    if (!sending->has_status_word && sending->bytes) {
        g_ptr_array_add(sending->parts, g_bytes_ref(response));
        return FALSE;
    }
    if (!sending->has_status_word) {
        g_set_error_literal(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_COMM_DATA_LOST,
                            "the response is shorter than a status word");
        return FALSE;
    }
    sending->status_word = (guint16)(bytes[length - 2] << 8 | bytes[length - 1]);
    gboolean more = choose_next(sending);
    if (length > 2 && !(more && sending->status_word >> 8 == SW1_WRONG_LE))
        g_ptr_array_add(sending->parts, g_bytes_new_from_bytes(response, 0, length - 2));
    return more;
}

/*
 * Returns the data of a command, or the whole response to bytes. Data of a command is copied only
 * if it has several parts.
 */
static GBytes *
join_response(const Sending *sending)
{
    gboolean with_status_word = sending->bytes && sending->has_status_word;
    gsize total = with_status_word ? 2 : 0;
    guint8 *at;

    if (sending->command && sending->parts->len == 1)
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
    if (with_status_word) {
        at[0] = (guint8)(sending->status_word >> 8);
        at[1] = (guint8)sending->status_word;
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

/* Frees the sending. */
static GBytes *
run_sending(SmartcarddSession *session, Sending *sending, GCancellable *cancellable,
            guint16 *status_word, GError **error)
{
    GBytes *response = NULL;

    if ((!sending->may_begin || run_begin(session, sending, cancellable, error)) &&
        run_all(session, sending, cancellable, error))
        response = join_response(sending);
    end_transaction(session, sending);
    if (status_word)
        *status_word = sending->status_word;
    free_sending(sending);
    return response;
}

/**
 * smartcardd_session_send:
 * @self: a session
 * @command: a command
 * @timeout_ms: a time limit for each APDU in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
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
    return run_sending(self, new_sending_of_command(self, command, timeout_ms), cancellable,
                       status_word, error);
}

/**
 * smartcardd_session_transmit_and_follow:
 * @self: a session
 * @command: a command APDU
 * @timeout_ms: a time limit for each APDU in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Sends a command to the card and fetches the whole response, see
 * [method@Session.transmit_and_follow_async]. Blocks until the card has answered.
 *
 * Returns: (transfer full): the response, whose last two bytes are the status word
 */
GBytes *
smartcardd_session_transmit_and_follow(SmartcarddSession *self, GBytes *command, gint timeout_ms,
                                       GCancellable *cancellable, GError **error)
{
    return run_sending(self, new_sending_of_bytes(self, command, timeout_ms), cancellable, NULL,
                       error);
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
        g_task_return_pointer(task, join_response(sending), (GDestroyNotify)g_bytes_unref);
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

static void
start_sending(SmartcarddSession *session, Sending *sending, GTask *task)
{
    g_task_set_check_cancellable(task, FALSE);
    g_task_set_task_data(task, sending, free_sending);
    if (!sending->may_begin) {
        start_apdu(task);
        return;
    }
    SmartcarddRequest *request = smartcardd_request_new(SCD_FRAME_BEGIN, 0, sending->timeout_ms);
    request->done = handle_begun;
    request->data = task;
    smartcardd_exchange_start(session, &request, 1, g_task_get_cancellable(task));
}

/**
 * smartcardd_session_send_async:
 * @self: a session
 * @command: a command
 * @timeout_ms: a time limit for each APDU in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
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

    g_task_set_source_tag(task, smartcardd_session_send_async);
    start_sending(self, new_sending_of_command(self, command, timeout_ms), task);
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

/**
 * smartcardd_session_transmit_and_follow_async:
 * @self: a session
 * @command: a command APDU
 * @timeout_ms: a time limit for each APDU in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the card has answered
 * @data: data for the callback
 *
 * Sends a command to the card as it is, as [method@Session.transmit_async] does. Then fetches the
 * rest of the response after 61xx, and repeats the command with the right expected length after
 * 6Cxx. The bytes need not be an APDU of ISO 7816-4.
 *
 * All this is one transaction, unless the session is in a transaction already.
 */
void
smartcardd_session_transmit_and_follow_async(SmartcarddSession *self, GBytes *command,
                                             gint timeout_ms, GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(self, cancellable, callback, data);

    g_task_set_source_tag(task, smartcardd_session_transmit_and_follow_async);
    start_sending(self, new_sending_of_bytes(self, command, timeout_ms), task);
}

/**
 * smartcardd_session_transmit_and_follow_finish:
 * @self: a session
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the response, whose last two bytes are the status word
 */
GBytes *
smartcardd_session_transmit_and_follow_finish(SmartcarddSession *self, GAsyncResult *result,
                                              GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
