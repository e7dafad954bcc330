/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "card.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static PldCard *
card_of_session(PldSession *session)
{
    return (PldCard *)((char *)session - offsetof(PldCard, session));
}

static void
cancel_wait_for_transaction(PldSession *session)
{
    pld_channel_cancel(&card_of_session(session)->channel);
}

static void
free_card(PldHandle *handle)
{
    PldCard *card = (PldCard *)handle;

    pld_channel_clear(&card->channel);
    pld_handle_unref(&card->context->handle);
    pthread_mutex_destroy(&card->lock);
    free(card->reader);
    free(card->session.path);
    free(card);
}

static void
close_lost_card(PldHandle *handle)
{
    PldCard *card = (PldCard *)handle;

    pld_channel_close_copy(&card->channel);
}

static const PldHandleClass card_class = {
    .kind = PLD_HANDLE_CARD, .free = free_card, .close_lost = close_lost_card};

void
pld_card_leave(PldCard *card)
{
    pthread_mutex_unlock(&card->lock);
    pld_handle_table_put(&card->handle);
}

static PldCard *
get_card(SCARDHANDLE number)
{
    PldCard *card = (PldCard *)pld_handle_table_get(PLD_HANDLE_CARD, number);

    if (card)
        pld_context_adopt(card->context);
    return card;
}

PldCard *
pld_card_enter(SCARDHANDLE number)
{
    PldCard *card = get_card(number);

    if (!card)
        return NULL;
    pthread_mutex_lock(&card->lock);
    card->cancels_seen = card->context->cancels;
    if (!card->closed)
        return card;
    pld_card_leave(card);
    return NULL;
}

/* Returns the error of a call that another thread has ended. */
static LONG
find_ending(PldCard *card)
{
    return card->session.closing || card->context->released ? SCARD_E_INVALID_HANDLE
                                                            : SCARD_E_CANCELLED;
}

LONG
pld_card_check_connection_locked(PldCard *card)
{
    LONG code = pld_context_check_locked(card->context, card->cancels_seen, &card->session);

    return code == SCARD_E_CANCELLED ? find_ending(card) : code;
}

LONG
pld_card_check_locked(PldCard *card)
{
    pld_context_lock(card->context);
    LONG code = pld_card_check_connection_locked(card);
    pld_context_unlock(card->context);
    return code;
}

/* Returns the error for a call whose session does not exist any more in the service. */
static LONG
find_end_reason_locked(PldCard *card)
{
    LONG code = pld_card_check_connection_locked(card);

    if (code == SCARD_S_SUCCESS)
        code = card->session.end_code;
    return code == SCARD_S_SUCCESS ? SCARD_F_COMM_ERROR : code;
}

LONG
pld_card_call_locked(PldCard *card, PldMethodCall call)
{
    PldContext *context = card->context;

    call.path = card->session.path;
    call.interface = PLD_SESSION;
    call.session = &card->session;
    call.cancels_seen = card->cancels_seen;
    pld_context_lock(context);
    LONG code = card->session.end_code;
    if (code == SCARD_S_SUCCESS)
        code = pld_method_call_locked(context, &call);
    else if (context->connection.lost)
        code = SCARD_E_NO_SERVICE;
    if (code == SCARD_E_INVALID_HANDLE ||
        (code == SCARD_E_NO_SERVICE && pld_connection_is_detached(&context->connection)))
        code = find_end_reason_locked(card);
    pld_context_unlock(context);
    return code == SCARD_E_CANCELLED ? find_ending(card) : code;
}

static LONG
read_descriptor(sd_bus_message *reply, void *result)
{
    int *fd = result, owned_by_message;

    if (sd_bus_message_read(reply, "h", &owned_by_message) < 0)
        return SCARD_F_COMM_ERROR;
    /* Avoid 0 to 2, in case the program has closed them. */
    *fd = fcntl(owned_by_message, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return *fd < 0 ? SCARD_E_NO_MEMORY : SCARD_S_SUCCESS;
}

static LONG
open_channel_locked(PldCard *card)
{
    int fd;
    const PldMethodCall call = {.method = "OpenChannel",
                                .lifetime = PLD_CALL_SHORT,
                                .read = read_descriptor,
                                .result = &fd};
    LONG code = pld_card_call_locked(card, call);

    if (code == SCARD_S_SUCCESS && !pld_channel_open(&card->channel, fd))
        code = SCARD_E_NO_MEMORY;
    return code;
}

/*
 * Returns the error for a request without a reply; the attempt to open a new channel finds it. The
 * request is not repeated, since the card may have executed it.
 */
static LONG
find_reason_for_no_reply_locked(PldCard *card)
{
    LONG code = open_channel_locked(card);
    return code == SCARD_S_SUCCESS ? SCARD_F_COMM_ERROR : code;
}

LONG
pld_card_exchange_locked(PldCard *card, const PldRequest *request, PldReply *reply)
{
    PldExchangeResult result = pld_channel_exchange(&card->channel, request, reply);

    if (result == PLD_NOT_SENT) {
        pld_channel_close(&card->channel);
        LONG code = open_channel_locked(card);
        if (code != SCARD_S_SUCCESS)
            return code;
        result = pld_channel_exchange(&card->channel, request, reply);
    }
    if (result == PLD_CANCELLED)
        return find_ending(card);
    if (result == PLD_REPLIED && reply->code != SCARD_E_CANCELLED) {
        /* The service closes the channel after this reply. */
        if (reply->code == SCARD_W_REMOVED_CARD)
            pld_channel_close(&card->channel);
        return reply->code;
    }
    pld_channel_close(&card->channel);
    if (pld_channel_is_interrupted(&card->channel))
        return SCARD_E_INVALID_HANDLE;
    return find_reason_for_no_reply_locked(card);
}

static LONG
request_locked(PldCard *card, const PldRequest *request)
{
    PldReply reply = {0};

    return pld_card_exchange_locked(card, request, &reply);
}

LONG
pld_card_begin_locked(PldCard *card)
{
    const PldRequest request = {.operation = SCD_FRAME_BEGIN,
                                .cancels = &card->context->cancels,
                                .cancels_seen = card->cancels_seen};
    return request_locked(card, &request);
}

LONG
pld_card_end_locked(PldCard *card, DWORD disposition)
{
    const PldRequest request = {.operation = SCD_FRAME_END, .argument = (uint32_t)disposition};
    return request_locked(card, &request);
}

static PldCard *
new_card(PldContext *context, const char *reader, const char *session)
{
    PldCard *card = calloc(1, sizeof *card);

    if (!card)
        return NULL;
    card->context = context;
    pld_handle_ref(&context->handle);
    card->reader = strdup(reader);
    card->session.path = strdup(session);
    card->session.cancel = cancel_wait_for_transaction;
    pthread_mutex_init(&card->lock, NULL);
    pld_channel_init(&card->channel);
    if (card->reader && card->session.path && pld_handle_table_add(&card->handle, &card_class))
        return card;
    free_card(&card->handle);
    return NULL;
}

typedef struct {
    PldContext *context;
    const char *reader; /* PC/SC name */
    const PldConnectArguments *arguments;
    PldCard *card; /* valid while the context's lock is held; NULL: a new one is made */
} PldNewSession;

/* Gives a card whose session does not exist any more the new one. */
static bool
replace_session_locked(PldCard *card, const char *session)
{
    char *path = strdup(session);

    if (!path)
        return false;
    free(card->session.path);
    card->session.path = path;
    card->session.end_code = SCARD_S_SUCCESS;
    card->depth = 0;
    return true;
}

static bool
add_new_card_locked(PldNewSession *new_session, const char *session)
{
    PldCard *card = new_card(new_session->context, new_session->reader, session);

    if (!card)
        return false;
    pld_context_add_session_locked(new_session->context, &card->session);
    pld_handle_unref(&card->handle);
    new_session->card = card;
    return true;
}

static LONG
take_session_locked(sd_bus_message *reply, void *data)
{
    PldNewSession *new_session = data;
    const char *session, *protocol;

    /* A session without a handle ends with the connection. */
    if (sd_bus_message_read(reply, "os", &session, &protocol) < 0) {
        new_session->context->connection.lost = true;
        return SCARD_F_COMM_ERROR;
    }
    if (new_session->card ? !replace_session_locked(new_session->card, session)
                          : !add_new_card_locked(new_session, session)) {
        new_session->context->connection.lost = true;
        return SCARD_E_NO_MEMORY;
    }
    PldCard *card = new_session->card;
    card->share_mode = new_session->arguments->share_mode;
    card->protocol = pld_parse_active_protocol(protocol, new_session->arguments);
    return SCARD_S_SUCCESS;
}

static LONG
try_to_connect_locked(PldNewSession *new_session, unsigned cancels_seen)
{
    PldContext *context = new_session->context;
    const PldSession *session = new_session->card ? &new_session->card->session : NULL;
    LONG code = pld_context_check_locked(context, cancels_seen, session);

    if (code != SCARD_S_SUCCESS)
        return code;
    const PldReader *reader = pld_readers_find(&context->connection.readers, new_session->reader);
    if (!reader)
        return SCARD_E_UNKNOWN_READER;
    const PldMethodCall call = {.path = reader->path,
                                .interface = PLD_READER,
                                .method = "Connect",
                                .lifetime = PLD_CALL_UNTIL_CANCELLED,
                                .cancels_seen = cancels_seen,
                                .session = session,
                                .flag = "quiet",
                                .append = pld_append_connect_arguments,
                                .arguments = new_session->arguments,
                                .read = take_session_locked,
                                .result = new_session};
    code = pld_method_call_locked(context, &call);
    return code == SCARD_E_INVALID_HANDLE ? SCARD_E_UNKNOWN_READER : code;
}

/* If the service ends meanwhile, a session that it may have opened ends with it. */
static LONG
connect_locked(PldNewSession *new_session, unsigned cancels_seen)
{
    LONG code = try_to_connect_locked(new_session, cancels_seen);

    if (code == SCARD_E_NO_SERVICE && !new_session->context->connection.lost)
        code = try_to_connect_locked(new_session, cancels_seen);
    return code;
}

/* An exclusive session, or one with a transaction, cannot be exchanged without a gap. */
static bool
can_adopt_card(const PldSession *session)
{
    const PldCard *card = card_of_session((PldSession *)session);

    return session->end_code == SCARD_S_SUCCESS && card->depth == 0 &&
           card->share_mode != SCARD_SHARE_EXCLUSIVE;
}

static void
adopt_card_locked(PldSession *session, bool parent_exists)
{
    PldCard *card = card_of_session(session);
    PldContext *context = card->context;
    const PldConnectArguments arguments = {.share_mode = card->share_mode,
                                           .protocols = card->protocol};
    PldNewSession new_session = {context, card->reader, &arguments, card};
    bool kept = context->connection.lost || session->end_code != SCARD_S_SUCCESS;

    if (!kept && parent_exists && can_adopt_card(session))
        kept = connect_locked(&new_session, context->cancels) == SCARD_S_SUCCESS;
    pld_channel_close_copy(&card->channel);
    pld_channel_close(&card->channel);
    if (kept)
        return;
    card->closed = true;
    pld_context_remove_session_locked(context, session);
    pld_handle_table_remove(&card->handle);
}

LONG
pld_card_connect(PldContext *context, const char *reader, const PldConnectArguments *arguments,
                 SCARDHANDLE *number, DWORD *protocol)
{
    PldNewSession new_session = {context, reader, arguments, NULL};
    unsigned cancels_seen = context->cancels;

    pld_context_lock(context);
    LONG code =
        context->released ? SCARD_E_INVALID_HANDLE : connect_locked(&new_session, cancels_seen);
    if (code == SCARD_S_SUCCESS) {
        new_session.card->session.can_adopt = can_adopt_card;
        new_session.card->session.adopt = adopt_card_locked;
        *number = new_session.card->handle.number;
        *protocol = new_session.card->protocol;
    }
    pld_context_unlock(context);
    return code;
}

typedef struct {
    const PldConnectArguments *arguments;
    bool no_wait;
    DWORD protocol;
} PldReconnection;

static LONG
read_protocol(sd_bus_message *reply, void *data)
{
    PldReconnection *reconnection = data;
    const char *word;

    if (sd_bus_message_read(reply, "s", &word) < 0)
        return SCARD_F_COMM_ERROR;
    reconnection->protocol = pld_parse_active_protocol(word, reconnection->arguments);
    return SCARD_S_SUCCESS;
}

static LONG
call_reconnect_locked(PldCard *card, void *data)
{
    PldReconnection *reconnection = data;
    const PldMethodCall call = {.method = "Reconnect",
                                .lifetime = PLD_CALL_UNTIL_CANCELLED,
                                .no_wait = reconnection->no_wait,
                                .append = pld_append_reconnect_arguments,
                                .arguments = reconnection->arguments,
                                .read = read_protocol,
                                .result = reconnection};
    return pld_card_call_locked(card, call);
}

/* After the end of the service. Returns SCARD_S_SUCCESS too if the session still exists. */
static LONG
reopen_session_locked(PldCard *card, const PldConnectArguments *arguments)
{
    PldContext *context = card->context;
    PldNewSession new_session = {context, card->reader, arguments, card};
    LONG code = SCARD_S_SUCCESS;

    pld_context_lock(context);
    if (card->session.end_code == SCARD_W_RESET_CARD)
        code = connect_locked(&new_session, card->cancels_seen);
    pld_context_unlock(context);
    if (code == SCARD_E_CANCELLED)
        return find_ending(card);
    return code == SCARD_E_UNKNOWN_READER ? SCARD_E_READER_UNAVAILABLE : code;
}

LONG
pld_card_reconnect_locked(PldCard *card, const PldConnectArguments *arguments)
{
    PldReconnection reconnection = {.arguments = arguments, .no_wait = !pld_card_may_block()};
    LONG code = reopen_session_locked(card, arguments);

    if (code == SCARD_S_SUCCESS)
        code = pld_card_attempt_locked(card, call_reconnect_locked, &reconnection);
    if (code == SCARD_S_SUCCESS) {
        card->share_mode = arguments->share_mode;
        card->protocol = reconnection.protocol;
    }
    return code;
}

static LONG
close_session_locked(PldCard *card, DWORD disposition)
{
    const PldMethodCall call = {.method = "Close",
                                .lifetime = PLD_CALL_UNTIL_REPLY,
                                .append = pld_append_disposition,
                                .arguments = &disposition};
    LONG code = pld_card_call_locked(card, call);
    /* As in pcsc-lite, closing succeeds if the reader does not exist any more. A call that a limit
     * of the service has refused has closed nothing. */
    return code == SCARD_E_NO_SERVICE || code == SCARD_E_NO_MEMORY ? code : SCARD_S_SUCCESS;
}

/* Ends the calls of other threads that wait with this handle; the session is to be closed. */
static void
end_other_calls(PldCard *card)
{
    card->session.closing = true;
    pld_channel_interrupt(&card->channel);
    pld_context_wake_call(card->context);
}

/* The session could not be closed, and the handle stays valid. */
static void
allow_calls(PldCard *card)
{
    card->session.closing = false;
    pld_channel_resume(&card->channel);
}

static void
invalidate_card_locked(PldCard *card)
{
    card->closed = true;
    pld_channel_close(&card->channel);
    pld_context_remove_session(card->context, &card->session);
    pld_handle_table_remove(&card->handle);
}

LONG
pld_card_disconnect(SCARDHANDLE number, DWORD disposition)
{
    PldCard *card = get_card(number);

    if (!card)
        return SCARD_E_INVALID_HANDLE;
    if (disposition > SCARD_EJECT_CARD) {
        pld_handle_table_put(&card->handle);
        return SCARD_E_INVALID_VALUE;
    }
    end_other_calls(card);
    pthread_mutex_lock(&card->lock);
    LONG code = card->closed ? SCARD_E_INVALID_HANDLE : close_session_locked(card, disposition);
    if (code == SCARD_S_SUCCESS)
        invalidate_card_locked(card);
    else
        allow_calls(card);
    pld_card_leave(card);
    return code;
}

/* As pcscd does with a card handle that a program has not closed. */
static void
close_abandoned_card(PldCard *card)
{
    end_other_calls(card);
    pthread_mutex_lock(&card->lock);
    bool reset = card->depth > 0 || card->share_mode == SCARD_SHARE_EXCLUSIVE;
    if (!card->closed) {
        close_session_locked(card, reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
        invalidate_card_locked(card);
    }
    pthread_mutex_unlock(&card->lock);
}

/* Returns a new reference, or NULL if the context has no card handle. */
static PldCard *
get_first_card(PldContext *context)
{
    PldCard *card = NULL;

    pld_context_lock(context);
    if (context->sessions) {
        card = card_of_session(context->sessions);
        pld_handle_ref(&card->handle);
    }
    pld_context_unlock(context);
    return card;
}

void
pld_card_close_all(PldContext *context)
{
    PldCard *card;

    while ((card = get_first_card(context))) {
        close_abandoned_card(card);
        pld_handle_unref(&card->handle);
    }
}
