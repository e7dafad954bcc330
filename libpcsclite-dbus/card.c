/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "card.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "word-table.h"

#define N_PROTOCOL_WORDS 5 /* with NULL at the end */

/* The words of the D-Bus interface for the numbers of winscard.h. */
typedef struct {
    const char *word;
    DWORD number;
} PldWord;

#define AS_WORD(word, number) {word, number},
static const PldWord share_mode_words[] = {SCD_SHARE_MODE_TABLE(AS_WORD){NULL, 0}};
static const PldWord disposition_words[] = {SCD_DISPOSITION_TABLE(AS_WORD){NULL, 0}};
static const PldWord protocol_words[] = {SCD_PROTOCOL_TABLE(AS_WORD){NULL, 0}};
#undef AS_WORD

/* Returns NULL if there is no word for the number. */
static const char *
find_word(const PldWord *list, DWORD number)
{
    while (list->word && list->number != number)
        list++;
    return list->word;
}

/* Leaves out protocols that the service does not support. */
static void
list_protocol_words(DWORD protocols, const char *words[N_PROTOCOL_WORDS])
{
    unsigned count = 0;

    for (const PldWord *known = protocol_words; known->word; known++)
        if (protocols & known->number)
            words[count++] = known->word;
    words[count] = NULL;
}

/* Returns SCARD_PROTOCOL_UNDEFINED for an unknown word. */
static DWORD
parse_protocol(const char *word)
{
    const PldWord *known = protocol_words;

    while (known->word && strcmp(known->word, word) != 0)
        known++;
    return known->word ? known->number : SCARD_PROTOCOL_UNDEFINED;
}

static void
free_card(PldHandle *handle)
{
    PldCard *card = (PldCard *)handle;

    pld_channel_clear(&card->channel);
    pld_context_unref(card->context);
    pthread_mutex_destroy(&card->lock);
    free(card->reader);
    free(card->session.path);
    free(card);
}

static void
close_card_in_child(PldHandle *handle)
{
    PldCard *card = (PldCard *)handle;

    if (card->channel.fd >= 0)
        close(card->channel.fd);
}

static const PldHandleClass card_class = {PLD_HANDLE_CARD, free_card, close_card_in_child};

void
pld_card_leave(PldCard *card)
{
    pthread_mutex_unlock(&card->lock);
    pld_handle_unref(&card->handle);
}

PldCard *
pld_card_enter(SCARDHANDLE number)
{
    PldCard *card = (PldCard *)pld_handle_table_get(PLD_HANDLE_CARD, number);

    if (!card)
        return NULL;
    pthread_mutex_lock(&card->lock);
    if (!card->closed)
        return card;
    pld_card_leave(card);
    return NULL;
}

/* Returns the error for a call whose session does not exist any more in the service. */
static LONG
find_end_reason_locked(PldCard *card)
{
    LONG code = pld_context_check_locked(card->context);

    if (code == SCARD_S_SUCCESS)
        code = card->session.end_code;
    return code == SCARD_S_SUCCESS ? SCARD_F_COMM_ERROR : code;
}

sd_bus_message *
pld_card_new_call_locked(PldCard *card, const char *method)
{
    pld_context_lock(card->context);
    sd_bus_message *call = pld_connection_new_call(&card->context->connection, card->session.path,
                                                   PLD_SESSION, method);
    pld_context_unlock(card->context);
    return call;
}

LONG
pld_card_call_locked(PldCard *card, sd_bus_message *call, sd_bus_message **reply)
{
    pld_context_lock(card->context);
    LONG code = pld_connection_call(&card->context->connection, call, reply);
    if (code == SCARD_E_INVALID_HANDLE)
        code = find_end_reason_locked(card);
    pld_context_unlock(card->context);
    return code;
}

static LONG
open_channel_locked(PldCard *card)
{
    PLD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    sd_bus_message *call = pld_card_new_call_locked(card, "OpenChannel");
    int fd;

    if (call && sd_bus_message_append(call, "a{sv}", 0) < 0)
        call = sd_bus_message_unref(call);
    LONG code = pld_card_call_locked(card, call, &reply);
    if (code != SCARD_S_SUCCESS)
        return code;
    if (sd_bus_message_read(reply, "h", &fd) < 0)
        return SCARD_F_COMM_ERROR;
    /* The message owns its descriptor. Avoid 0 to 2, in case the program has closed them. */
    fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0)
        return SCARD_E_NO_MEMORY;
    return pld_channel_open(&card->channel, fd) ? SCARD_S_SUCCESS : SCARD_E_NO_MEMORY;
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

static bool may_block;

static void
read_environment(void)
{
    may_block = !getenv("PCSCLITE_NO_BLOCKING");
}

bool
pld_card_may_block(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_environment);
    return may_block;
}

LONG
pld_card_request_locked(PldCard *card, ScdFrameOperation operation, DWORD argument)
{
    const PldRequest request = {.operation = operation, .argument = (uint32_t)argument};
    PldReply reply = {0};

    return pld_card_exchange_locked(card, &request, &reply);
}

/*
 * Requests an attribute: pcscd checks transactions, resets and removals before it asks the driver.
 * The errors of the driver itself do not matter.
 */
LONG
pld_card_check_access_locked(PldCard *card)
{
    LONG code = pld_card_request_locked(card, SCD_FRAME_GET_ATTRIBUTE, SCARD_ATTR_ATR_STRING);

    switch (code) {
    case SCARD_E_UNSUPPORTED_FEATURE:
    case SCARD_E_NOT_TRANSACTED:
    case SCARD_E_INSUFFICIENT_BUFFER:
        return SCARD_S_SUCCESS;
    default:
        return code;
    }
}

LONG
pld_card_wait_for_access_locked(PldCard *card)
{
    LONG code = pld_card_check_access_locked(card);

    if (code != SCARD_E_SHARING_VIOLATION || !pld_card_may_block())
        return code;
    code = pld_card_request_locked(card, SCD_FRAME_BEGIN, 0);
    return code == SCARD_S_SUCCESS ? pld_card_request_locked(card, SCD_FRAME_END, SCARD_LEAVE_CARD)
                                   : code;
}

static int
append_share_mode_and_protocols(sd_bus_message *call, const PldConnectArguments *arguments)
{
    const char *words[N_PROTOCOL_WORDS] = {NULL};
    int r = sd_bus_message_append(call, "s", find_word(share_mode_words, arguments->share_mode));

    if (arguments->protocols != SCARD_PROTOCOL_ANY) /* an empty list stands for any */
        list_protocol_words(arguments->protocols, words);
    return r < 0 ? r : sd_bus_message_append_strv(call, (char **)words);
}

/*
 * A direct connection for SCARD_PROTOCOL_RAW has that protocol in pcsc-lite. The service does not
 * set it, since the protocol is common to all handles of the card.
 */
static DWORD
parse_active_protocol(const char *word, const PldConnectArguments *arguments)
{
    if (arguments->share_mode == SCARD_SHARE_DIRECT && (arguments->protocols & SCARD_PROTOCOL_RAW))
        return SCARD_PROTOCOL_RAW;
    return parse_protocol(word);
}

static sd_bus_message *
new_connect_call_locked(PldContext *context, const char *reader,
                        const PldConnectArguments *arguments)
{
    sd_bus_message *call =
        pld_connection_new_call(&context->connection, reader, PLD_READER, "Connect");

    if (!call)
        return NULL;
    if (append_share_mode_and_protocols(call, arguments) < 0 ||
        sd_bus_message_append(call, "a{sv}", 1, "quiet", "b", true) < 0)
        return sd_bus_message_unref(call);
    return call;
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
    pthread_mutex_init(&card->lock, NULL);
    pld_channel_init(&card->channel);
    if (card->reader && card->session.path && pld_handle_table_add(&card->handle, &card_class))
        return card;
    free_card(&card->handle);
    return NULL;
}

/* reply: of Reader.Connect. *card is valid while the context's lock is held. */
static LONG
add_card_locked(PldContext *context, const char *reader, const PldConnectArguments *arguments,
                sd_bus_message *reply, PldCard **card)
{
    const char *session, *protocol;

    if (sd_bus_message_read(reply, "os", &session, &protocol) < 0)
        return SCARD_F_COMM_ERROR;
    PldCard *new = new_card(context, reader, session);
    if (!new)
        return SCARD_E_NO_MEMORY;
    new->share_mode = arguments->share_mode;
    new->protocol = parse_active_protocol(protocol, arguments);
    pld_context_add_session_locked(context, &new->session);
    pld_handle_unref(&new->handle);
    *card = new;
    return SCARD_S_SUCCESS;
}

static LONG
connect_locked(PldContext *context, const char *name, const PldConnectArguments *arguments,
               PldCard **card)
{
    PLD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    LONG code = pld_context_check_locked(context);

    if (code != SCARD_S_SUCCESS)
        return code;
    const PldReader *reader = pld_readers_find(&context->connection.readers, name);
    if (!reader)
        return SCARD_E_UNKNOWN_READER;
    sd_bus_message *call = new_connect_call_locked(context, reader->path, arguments);
    code = pld_connection_call(&context->connection, call, &reply);
    if (code == SCARD_E_INVALID_HANDLE)
        return SCARD_E_UNKNOWN_READER;
    return code == SCARD_S_SUCCESS ? add_card_locked(context, name, arguments, reply, card) : code;
}

LONG
pld_card_connect(PldContext *context, const char *reader, const PldConnectArguments *arguments,
                 SCARDHANDLE *number, DWORD *protocol)
{
    PldCard *card;

    pld_context_lock(context);
    LONG code = context->released ? SCARD_E_INVALID_HANDLE
                                  : connect_locked(context, reader, arguments, &card);
    if (code == SCARD_S_SUCCESS) {
        *number = card->handle.number;
        *protocol = card->protocol;
    }
    pld_context_unlock(context);
    return code;
}

LONG
pld_card_reconnect_locked(PldCard *card, const PldConnectArguments *arguments)
{
    PLD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *word;

    sd_bus_message *call = pld_card_new_call_locked(card, "Reconnect");
    if (call && (append_share_mode_and_protocols(call, arguments) < 0 ||
                 sd_bus_message_append(
                     call, "s", find_word(disposition_words, arguments->initialization)) < 0))
        call = sd_bus_message_unref(call);
    LONG code = pld_card_call_locked(card, call, &reply);
    if (code == SCARD_S_SUCCESS && sd_bus_message_read(reply, "s", &word) < 0)
        code = SCARD_F_COMM_ERROR;
    if (code == SCARD_S_SUCCESS) {
        card->share_mode = arguments->share_mode;
        card->protocol = parse_active_protocol(word, arguments);
    }
    return code;
}

static LONG
close_session_locked(PldCard *card, DWORD disposition)
{
    sd_bus_message *call = pld_card_new_call_locked(card, "Close");

    if (call && sd_bus_message_append(call, "s", find_word(disposition_words, disposition)) < 0)
        call = sd_bus_message_unref(call);
    LONG code = pld_card_call_locked(card, call, NULL);
    /* As in pcsc-lite, closing succeeds if the reader does not exist any more. */
    return code == SCARD_E_NO_SERVICE ? code : SCARD_S_SUCCESS;
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
pld_card_check_locked(PldCard *card)
{
    pld_context_lock(card->context);
    LONG code = pld_context_check_locked(card->context);
    pld_context_unlock(card->context);
    return code;
}

LONG
pld_card_disconnect(SCARDHANDLE number, DWORD disposition)
{
    PldCard *card = (PldCard *)pld_handle_table_get(PLD_HANDLE_CARD, number);

    if (!card)
        return SCARD_E_INVALID_HANDLE;
    if (disposition > SCARD_EJECT_CARD) {
        pld_handle_unref(&card->handle);
        return SCARD_E_INVALID_VALUE;
    }
    pld_channel_interrupt(&card->channel);
    pthread_mutex_lock(&card->lock);
    LONG code = card->closed ? SCARD_E_INVALID_HANDLE : close_session_locked(card, disposition);
    if (code == SCARD_S_SUCCESS)
        invalidate_card_locked(card);
    pld_card_leave(card);
    return code;
}

/* As pcscd does with a card handle that a program has not closed. */
static void
close_abandoned_card(PldCard *card)
{
    pld_channel_interrupt(&card->channel);
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
        card = (PldCard *)((char *)context->sessions - offsetof(PldCard, session));
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
