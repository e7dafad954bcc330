/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "card.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

static void
free_card(PldEntry *entry)
{
    PldCard *card = (PldCard *)entry;

    pld_channel_clear(&card->channel);
    pld_context_unref(card->context);
    pthread_mutex_destroy(&card->lock);
    free(card->reader);
    free(card->session);
    free(card);
}

static void
abandon_in_child(PldEntry *entry)
{
    PldCard *card = (PldCard *)entry;

    if (card->channel.fd >= 0)
        close(card->channel.fd);
}

static const PldEntryClass class = {PLD_KIND_CARD, free_card, abandon_in_child};

void
pld_card_leave(PldCard *card)
{
    pthread_mutex_unlock(&card->lock);
    pld_entry_unref(&card->entry);
}

PldCard *
pld_card_enter(SCARDHANDLE number)
{
    PldCard *card = (PldCard *)pld_table_get(PLD_KIND_CARD, number);

    if (!card)
        return NULL;
    pthread_mutex_lock(&card->lock);
    if (!card->closed)
        return card;
    pld_card_leave(card);
    return NULL;
}

void
pld_card_session_closed_locked(PldCard *cards, const char *session, const char *reason)
{
    for (PldCard *card = cards; card; card = card->next) {
        if (strcmp(card->session, session) != 0)
            continue;
        if (strcmp(reason, "reader-removed") == 0)
            card->ended = SCARD_E_INVALID_VALUE;
        else if (strcmp(reason, "service-unavailable") == 0)
            card->ended = SCARD_E_NO_SERVICE;
        else
            card->ended = SCARD_W_SECURITY_VIOLATION; /* "revoked" */
    }
}

/* What a call gets whose session the service does not know any more. */
static LONG
why_ended_locked(PldCard *card)
{
    LONG code = pld_context_check_locked(card->context);

    if (code == SCARD_S_SUCCESS)
        code = card->ended;
    return code == SCARD_S_SUCCESS ? SCARD_F_COMM_ERROR : code;
}

sd_bus_message *
pld_card_new_call_locked(PldCard *card, const char *method)
{
    pld_context_lock(card->context);
    sd_bus_message *call =
        pld_connection_new_call(&card->context->connection, card->session, PLD_SESSION, method);
    pld_context_unlock(card->context);
    return call;
}

LONG
pld_card_call_locked(PldCard *card, sd_bus_message *call, sd_bus_message **reply)
{
    pld_context_lock(card->context);
    LONG code = pld_connection_call(&card->context->connection, call, reply);
    if (code == SCARD_E_INVALID_HANDLE)
        code = why_ended_locked(card);
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
    /* The message keeps its own; not one of the standard streams, where those are closed. */
    fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0)
        return SCARD_E_NO_MEMORY;
    return pld_channel_open(&card->channel, fd) ? SCARD_S_SUCCESS : SCARD_E_NO_MEMORY;
}

/* The service hung up before it answered: why? Not sent again, as the card may have done it. */
static LONG
why_no_answer_locked(PldCard *card)
{
    LONG code = open_channel_locked(card);
    return code == SCARD_S_SUCCESS ? SCARD_F_COMM_ERROR : code;
}

LONG
pld_card_ask_locked(PldCard *card, const PldRequest *request, PldAnswer *answer)
{
    PldAskResult result = pld_channel_ask(&card->channel, request, answer);

    if (result == PLD_NOT_SENT) {
        pld_channel_close(&card->channel);
        LONG code = open_channel_locked(card);
        if (code != SCARD_S_SUCCESS)
            return code;
        result = pld_channel_ask(&card->channel, request, answer);
    }
    if (result == PLD_ANSWERED && answer->code != SCARD_E_CANCELLED) {
        /* The service hangs up now. */
        if (answer->code == SCARD_W_REMOVED_CARD)
            pld_channel_close(&card->channel);
        return answer->code;
    }
    pld_channel_close(&card->channel);
    if (pld_channel_is_interrupted(&card->channel))
        return SCARD_E_INVALID_HANDLE;
    return why_no_answer_locked(card);
}

static int
append_share_mode_and_protocols(sd_bus_message *call, const PldConnectArguments *arguments)
{
    const char *words[PLD_PROTOCOL_WORDS] = {NULL};
    int r = sd_bus_message_append(call, "s", pld_share_mode_to_word(arguments->share_mode));

    if (arguments->protocols != SCARD_PROTOCOL_ANY) /* which is what no word means */
        pld_protocols_to_words(arguments->protocols, words);
    return r < 0 ? r : sd_bus_message_append_strv(call, (char **)words);
}

/* The service has no RAW for a connection to the reader alone, since it is for all who share it. */
static DWORD
active_protocol(const char *word, const PldConnectArguments *arguments)
{
    if (arguments->share_mode == SCARD_SHARE_DIRECT && (arguments->protocols & SCARD_PROTOCOL_RAW))
        return SCARD_PROTOCOL_RAW;
    return pld_protocol_from_word(word);
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
    pld_entry_ref(&context->entry);
    card->reader = strdup(reader);
    card->session = strdup(session);
    pthread_mutex_init(&card->lock, NULL);
    pld_channel_init(&card->channel);
    if (card->reader && card->session && pld_table_add(&card->entry, &class))
        return card;
    free_card(&card->entry);
    return NULL;
}

/* reply: of Connect. */
static LONG
become_card_locked(PldContext *context, const char *reader, const PldConnectArguments *arguments,
                   sd_bus_message *reply, SCARDHANDLE *number)
{
    const char *session, *protocol;

    if (sd_bus_message_read(reply, "os", &session, &protocol) < 0)
        return SCARD_F_COMM_ERROR;
    PldCard *card = new_card(context, reader, session);
    if (!card)
        return SCARD_E_NO_MEMORY;
    card->share_mode = arguments->share_mode;
    card->protocol = active_protocol(protocol, arguments);
    card->next = context->cards;
    context->cards = card;
    *number = card->entry.number;
    pld_entry_unref(&card->entry);
    return SCARD_S_SUCCESS;
}

static LONG
connect_locked(PldContext *context, const char *name, const PldConnectArguments *arguments,
               SCARDHANDLE *number)
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
    return code == SCARD_S_SUCCESS ? become_card_locked(context, name, arguments, reply, number)
                                   : code;
}

LONG
pld_card_connect(PldContext *context, const char *reader, const PldConnectArguments *arguments,
                 SCARDHANDLE *number, DWORD *protocol)
{
    pld_context_lock(context);
    LONG code = context->released ? SCARD_E_INVALID_HANDLE
                                  : connect_locked(context, reader, arguments, number);
    if (code == SCARD_S_SUCCESS)
        *protocol = context->cards->protocol;
    pld_context_unlock(context);
    return code;
}

LONG
pld_card_reconnect_locked(PldCard *card, const PldConnectArguments *arguments)
{
    PLD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    const char *word;

    sd_bus_message *call = pld_card_new_call_locked(card, "Reconnect");
    if (call &&
        (append_share_mode_and_protocols(call, arguments) < 0 ||
         sd_bus_message_append(call, "s", pld_disposition_to_word(arguments->initialization)) < 0))
        call = sd_bus_message_unref(call);
    LONG code = pld_card_call_locked(card, call, &reply);
    if (code == SCARD_S_SUCCESS && sd_bus_message_read(reply, "s", &word) < 0)
        code = SCARD_F_COMM_ERROR;
    if (code == SCARD_S_SUCCESS) {
        card->share_mode = arguments->share_mode;
        card->protocol = active_protocol(word, arguments);
    }
    return code;
}

static void
leave_context(PldCard *card)
{
    PldContext *context = card->context;

    pld_context_lock(context);
    for (PldCard **link = &context->cards; *link; link = &(*link)->next) {
        if (*link == card) {
            *link = card->next;
            break;
        }
    }
    pld_context_unlock(context);
}

static LONG
close_session_locked(PldCard *card, DWORD disposition)
{
    sd_bus_message *call = pld_card_new_call_locked(card, "Close");

    if (call && sd_bus_message_append(call, "s", pld_disposition_to_word(disposition)) < 0)
        call = sd_bus_message_unref(call);
    LONG code = pld_card_call_locked(card, call, NULL);
    /* pcsc-lite does not mind a reader that has gone. */
    return code == SCARD_E_NO_SERVICE ? code : SCARD_S_SUCCESS;
}

static void
forget_locked(PldCard *card)
{
    card->closed = true;
    pld_channel_close(&card->channel);
    leave_context(card);
    pld_table_remove(&card->entry);
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
    PldCard *card = (PldCard *)pld_table_get(PLD_KIND_CARD, number);

    if (!card)
        return SCARD_E_INVALID_HANDLE;
    if (disposition > SCARD_EJECT_CARD) {
        pld_entry_unref(&card->entry);
        return SCARD_E_INVALID_VALUE;
    }
    pld_channel_interrupt(&card->channel);
    pthread_mutex_lock(&card->lock);
    LONG code = card->closed ? SCARD_E_INVALID_HANDLE : close_session_locked(card, disposition);
    if (code == SCARD_S_SUCCESS)
        forget_locked(card);
    pld_card_leave(card);
    return code;
}

void
pld_card_release(PldCard *card)
{
    pld_channel_interrupt(&card->channel);
    pthread_mutex_lock(&card->lock);
    bool held = card->depth > 0 || card->share_mode == SCARD_SHARE_EXCLUSIVE;
    if (!card->closed) {
        close_session_locked(card, held ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
        forget_locked(card);
    }
    pld_card_leave(card);
}
