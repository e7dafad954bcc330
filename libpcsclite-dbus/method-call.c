/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "method-call.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define CALL_ID_SIZE 16
#define NO_LIMIT UINT32_MAX

/* Of a call under way. The call-id is the number of the call on its connection. */
typedef struct {
    PldContext *context;
    const PldMethodCall *call;
    char id[CALL_ID_SIZE];
    sd_bus_message *reply; /* a reference; NULL until it arrives */
    bool cancelled;        /* CancelCall was sent */
} PldPendingCall;

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

static int
append_options(sd_bus_message *message, const PldPendingCall *pending)
{
    const PldMethodCall *call = pending->call;
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    if (r >= 0 && call->lifetime != PLD_CALL_SHORT)
        r = append_option(message, "timeout-ms", "u", call->no_wait ? 0 : NO_LIMIT);
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
send_call(PldPendingCall *pending, sd_bus_slot **slot)
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
    return r < 0
               ? r
               : sd_bus_call_async(connection->bus, slot, message, keep_reply, pending, UINT64_MAX);
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

/* Returns at once if sd-bus has a message that it has read already. */
static int
sleep_until_message(const PldPendingCall *pending)
{
    PldContext *context = pending->context;
    sd_bus *bus = context->connection.bus;
    int events = sd_bus_get_events(bus);
    struct pollfd fds[] = {{.fd = context->connection.fd, .events = (short)events},
                           {.fd = context->call_wake_fd, .events = POLLIN}};
    uint64_t until;
    eventfd_t woken;

    if (events < 0)
        return events;
    if (sd_bus_get_timeout(bus, &until) < 0 || until == 0)
        return 0;
    if (ppoll(fds, 2, NULL, NULL) < 0 && errno != EINTR)
        return -errno;
    if (fds[1].revents)
        eventfd_read(context->call_wake_fd, &woken);
    return 0;
}

/* A signal may set connection.lost meanwhile; the reply is used nevertheless. */
static int
wait_for_reply(PldPendingCall *pending)
{
    int r = 0;

    while (r >= 0 && !pending->reply) {
        if (!pending->cancelled && is_ended_by_other_thread(pending))
            r = send_cancel_call(pending);
        if (r >= 0)
            r = sleep_until_message(pending);
        if (r >= 0)
            r = sd_bus_process(pending->context->connection.bus, NULL);
    }
    return r;
}

static LONG
read_reply(const PldPendingCall *pending)
{
    const PldMethodCall *call = pending->call;

    sd_bus_message_sensitive(pending->reply);
    if (sd_bus_message_is_method_error(pending->reply, NULL) > 0)
        return pld_bus_error_code(sd_bus_message_get_error(pending->reply));
    return call->read ? call->read(pending->reply, call->result) : SCARD_S_SUCCESS;
}

static LONG
exchange_locked(PldPendingCall *pending)
{
    PLD_CLEANUP(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
    PldConnection *connection = &pending->context->connection;
    int r = send_call(pending, &slot);

    if (r >= 0)
        r = wait_for_reply(pending);
    /* A call without a reply may still take effect: only the end of the connection undoes that. */
    if ((slot && !pending->reply) || sd_bus_is_open(connection->bus) <= 0)
        connection->lost = true;
    LONG code = pending->reply ? read_reply(pending) : SCARD_E_NO_SERVICE;
    pending->reply = sd_bus_message_unref(pending->reply);
    return code;
}

LONG
pld_method_call_locked(PldContext *context, const PldMethodCall *call)
{
    PldPendingCall pending = {.context = context, .call = call};

    if (context->connection.lost)
        return SCARD_E_NO_SERVICE;
    snprintf(pending.id, sizeof pending.id, "%u", ++context->calls);
    return is_ended_by_other_thread(&pending) ? SCARD_E_CANCELLED : exchange_locked(&pending);
}
