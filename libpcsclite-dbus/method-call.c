/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "method-call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "word-table.h"

#define NO_LIMIT UINT32_MAX

static bool
is_ended_by_other_thread(const PldPendingCall *pending)
{
    const PldContext *context = pending->context;
    const PldMethodCall *call = pending->call;

    if (call->lifetime < PLD_CALL_UNTIL_CLOSED)
        return false;
    return context->released || (call->session && call->session->closing) ||
           (call->lifetime == PLD_CALL_UNTIL_CANCELLED && context->cancels != call->cancels_seen);
}

static int
append_option(sd_bus_message *message, const char *name, const char *type, ...)
{
    va_list value;

    va_start(value, type);
    int r = sd_bus_message_open_container(message, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', name);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', type);
    if (r >= 0)
        r = sd_bus_message_appendv(message, type, value);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    va_end(value);
    return r;
}

static uint32_t
limit_of(const PldMethodCall *call)
{
    if (call->no_wait)
        return 0;
    return call->limit_ms > 0 ? call->limit_ms : NO_LIMIT;
}

static int
append_options(sd_bus_message *message, const PldPendingCall *pending)
{
    const PldMethodCall *call = pending->call;
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    if (r >= 0 && call->lifetime != PLD_CALL_SHORT)
        r = append_option(message, "timeout-ms", "u", limit_of(call));
    if (r >= 0 && call->lifetime >= PLD_CALL_UNTIL_CLOSED)
        r = append_option(message, "call-id", "s", pending->id);
    if (r >= 0 && call->flag)
        r = append_option(message, call->flag, "b", true);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int
keep_reply(sd_bus_message *message, void *data, sd_bus_error *error)
{
    PldPendingCall *pending = data;

    pending->reply = sd_bus_message_ref(message);
    return 0;
}

/* The arguments and the result may contain secrets: the messages are erased when they are freed. */
static int
send_call(PldPendingCall *pending)
{
    PLD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *message = NULL;
    PldConnection *connection = &pending->context->connection;
    const PldMethodCall *call = pending->call;
    int r = sd_bus_message_new_method_call(connection->bus, &message, PLD_NAME, call->path,
                                           call->interface, call->method);

    if (r >= 0)
        r = sd_bus_message_sensitive(message);
    if (r >= 0 && call->append)
        r = call->append(message, call->arguments);
    if (r >= 0)
        r = append_options(message, pending);
    return r < 0 ? r
                 : sd_bus_call_async(connection->bus, &pending->slot, message, keep_reply, pending,
                                     UINT64_MAX);
}

static int
send_cancel_call(PldPendingCall *pending)
{
    PLD_CLEANUP(sd_bus_message_unrefp) sd_bus_message *message = NULL;
    sd_bus *bus = pending->context->connection.bus;
    int r = sd_bus_message_new_method_call(bus, &message, PLD_NAME, PLD_ROOT, PLD_MANAGER,
                                           "CancelCall");

    pending->cancelled = true;
    if (r >= 0)
        r = sd_bus_message_append(message, "s", pending->id);
    if (r >= 0)
        r = sd_bus_message_set_expect_reply(message, 0);
    return r < 0 ? r : sd_bus_send(bus, message, NULL);
}

/* A signal may set connection.lost meanwhile; the reply is used nevertheless. */
static int
wait_for_reply(PldPendingCall *pending)
{
    PldContext *context = pending->context;
    PldConnection *connection = &context->connection;
    int r = 0;

    while (r >= 0 && !pending->reply) {
        if (!pending->cancelled && is_ended_by_other_thread(pending))
            r = send_cancel_call(pending);
        PldPoll sleep = pld_connection_prepare_sleep(connection, context->call_wake_fd, -1);
        pld_poll_sleep(&sleep);
        if (r >= 0)
            r = sd_bus_process(connection->bus, NULL);
    }
    return r;
}

/* The service's signal that it ends, or that of the bus, may arrive only after this error. */
static LONG
read_error(const PldPendingCall *pending, const sd_bus_error *error)
{
    if (!pld_bus_error_is_service_end(error))
        return pld_bus_error_code(error);
    pld_connection_detach(&pending->context->connection);
    return SCARD_E_NO_SERVICE;
}

static LONG
read_reply(const PldPendingCall *pending)
{
    const PldMethodCall *call = pending->call;

    sd_bus_message_sensitive(pending->reply);
    if (sd_bus_message_is_method_error(pending->reply, NULL) > 0)
        return read_error(pending, sd_bus_message_get_error(pending->reply));
    return call->read ? call->read(pending->reply, call->result) : SCARD_S_SUCCESS;
}

int
pld_pending_call_send_locked(PldPendingCall *pending, PldContext *context,
                             const PldMethodCall *call)
{
    *pending = (PldPendingCall){.context = context, .call = call};
    snprintf(pending->id, sizeof pending->id, "%u", ++context->calls);
    return send_call(pending);
}

void
pld_pending_call_end_locked(PldPendingCall *pending)
{
    if (pending->slot && !pending->reply && !pending->cancelled)
        send_cancel_call(pending);
    pending->slot = sd_bus_slot_unref(pending->slot);
    pending->reply = sd_bus_message_unref(pending->reply);
}

static LONG
exchange_locked(PldPendingCall *pending)
{
    PldConnection *connection = &pending->context->connection;
    int r = send_call(pending);

    if (r >= 0)
        r = wait_for_reply(pending);
    /* A call without a reply may still take effect: only the end of the connection undoes that. */
    if ((pending->slot && !pending->reply) || sd_bus_is_open(connection->bus) <= 0)
        connection->lost = true;
    LONG code = pending->reply ? read_reply(pending) : SCARD_E_NO_SERVICE;
    pending->cancelled = true; /* or there is no use in it */
    pld_pending_call_end_locked(pending);
    return code;
}

LONG
pld_method_call_locked(PldContext *context, const PldMethodCall *call)
{
    PldPendingCall pending = {.context = context, .call = call};

    if (context->connection.lost || pld_connection_is_detached(&context->connection))
        return SCARD_E_NO_SERVICE;
    snprintf(pending.id, sizeof pending.id, "%u", ++context->calls);
    return is_ended_by_other_thread(&pending) ? SCARD_E_CANCELLED : exchange_locked(&pending);
}

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

int
pld_append_connect_arguments(sd_bus_message *call, const void *data)
{
    const PldConnectArguments *arguments = data;
    const char *words[N_PROTOCOL_WORDS] = {NULL};
    int r = sd_bus_message_append(call, "s", find_word(share_mode_words, arguments->share_mode));

    if (arguments->protocols != SCARD_PROTOCOL_ANY) /* an empty list stands for any */
        list_protocol_words(arguments->protocols, words);
    return r < 0 ? r : sd_bus_message_append_strv(call, (char **)words);
}

int
pld_append_reconnect_arguments(sd_bus_message *call, const void *data)
{
    const PldConnectArguments *arguments = data;
    int r = pld_append_connect_arguments(call, arguments);

    return r < 0 ? r
                 : sd_bus_message_append(call, "s",
                                         find_word(disposition_words, arguments->initialization));
}

int
pld_append_disposition(sd_bus_message *call, const void *disposition)
{
    return sd_bus_message_append(call, "s",
                                 find_word(disposition_words, *(const DWORD *)disposition));
}

DWORD
pld_parse_active_protocol(const char *word, const PldConnectArguments *arguments)
{
    if (arguments->share_mode == SCARD_SHARE_DIRECT && (arguments->protocols & SCARD_PROTOCOL_RAW))
        return SCARD_PROTOCOL_RAW;
    return parse_protocol(word);
}
