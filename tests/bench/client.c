/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define SERVICE "org.smartcardd1"
#define ROOT "/org/smartcardd1"

/* Somebody who is starved waits for long. */
#define CALL_LIMIT_US (120 * UINT64_C(1000000))

static void
check_code(LONG code, const char *what)
{
    check(code == SCARD_S_SUCCESS, what);
}

/* Sends the message, which is taken over, and gives the reply. */
static sd_bus_message *
call(sd_bus *bus, sd_bus_message *message)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int result = sd_bus_call(bus, message, CALL_LIMIT_US, &error, &reply);

    errno = -result;
    check(result >= 0, error.message ? error.message : "sd_bus_call");
    sd_bus_message_unref(message);
    return reply;
}

static sd_bus_message *
new_call(sd_bus *bus, const char *path, const char *interface, const char *method)
{
    sd_bus_message *message = NULL;
    check(sd_bus_message_new_method_call(bus, &message, SERVICE, path, interface, method) >= 0,
          method);
    return message;
}

static sd_bus_message *
new_session_call(Client *client, const char *method)
{
    sd_bus_message *message = NULL;
    check(sd_bus_message_new_method_call(client->bus, &message, client->service, client->path,
                                         client->interface, method) >= 0,
          method);
    return message;
}

static void
open_session(Client *client, const char *reader)
{
    const char *path;

    check(sd_bus_open_system(&client->bus) >= 0, "bus");
    sd_bus_message *message = new_call(client->bus, ROOT, SERVICE ".Manager", "FindReader");
    check(sd_bus_message_append(message, "s", reader) >= 0, "FindReader");
    sd_bus_message *found = call(client->bus, message);
    check(sd_bus_message_read(found, "o", &path) >= 0, "FindReader");

    message = new_call(client->bus, path, SERVICE ".Reader", "Connect");
    check(sd_bus_message_append(message, "sasa{sv}", "shared", 0, 0) >= 0, "Connect");
    sd_bus_message *connected = call(client->bus, message);
    check(sd_bus_message_read(connected, "os", &path, NULL) >= 0, "Connect");
    client->service = SERVICE;
    client->interface = SERVICE ".Session";
    client->path = strdup(path);
    sd_bus_message_unref(found);
    sd_bus_message_unref(connected);
}

static void
open_plain(Client *client, const char *reader)
{
    DWORD protocol;

    check_code(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &client->context),
               "SCardEstablishContext");
    check_code(SCardConnect(client->context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY,
                            &client->card, &protocol),
               "SCardConnect");
    client->pci = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
}

ClientKind
client_kind(const char *word)
{
    return strcmp(word, "plain") == 0 ? CLIENT_PLAIN : CLIENT_SESSION;
}

void
client_open(Client *client, ClientKind kind, const char *reader)
{
    *client = (Client){.kind = kind};
    if (kind == CLIENT_PLAIN)
        open_plain(client, reader);
    else
        open_session(client, reader);
}

void
client_open_echo(Client *client, const char *name)
{
    *client = (Client){.kind = CLIENT_SESSION, .service = name, .interface = SERVICE ".Echo"};
    check(sd_bus_open_system(&client->bus) >= 0, "bus");
    client->path = strdup("/echo");
}

void
client_close(Client *client)
{
    if (client->kind == CLIENT_PLAIN) {
        check_code(SCardDisconnect(client->card, SCARD_LEAVE_CARD), "SCardDisconnect");
        check_code(SCardReleaseContext(client->context), "SCardReleaseContext");
        return;
    }
    sd_bus_message *message = new_session_call(client, "Close");
    check(sd_bus_message_append(message, "s", "leave") >= 0, "Close");
    sd_bus_message_unref(call(client->bus, message));
    sd_bus_flush_close_unref(client->bus);
    free(client->path);
}

void
client_begin(Client *client)
{
    if (client->kind == CLIENT_PLAIN) {
        check_code(SCardBeginTransaction(client->card), "SCardBeginTransaction");
        return;
    }
    sd_bus_message *message = new_session_call(client, "BeginTransaction");
    check(sd_bus_message_append(message, "a{sv}", 0) >= 0, "BeginTransaction");
    sd_bus_message_unref(call(client->bus, message));
}

void
client_end(Client *client)
{
    if (client->kind == CLIENT_PLAIN) {
        check_code(SCardEndTransaction(client->card, SCARD_LEAVE_CARD), "SCardEndTransaction");
        return;
    }
    sd_bus_message *message = new_session_call(client, "EndTransaction");
    check(sd_bus_message_append(message, "s", "leave") >= 0, "EndTransaction");
    sd_bus_message_unref(call(client->bus, message));
}

void
client_transmit(Client *client, const uint8_t *command, size_t length)
{
    uint8_t answer[CLIENT_ANSWER_SIZE];
    DWORD received = sizeof answer;
    const void *response;
    size_t response_length;

    if (client->kind == CLIENT_PLAIN) {
        check_code(
            SCardTransmit(client->card, client->pci, command, length, NULL, answer, &received),
            "SCardTransmit");
        return;
    }
    sd_bus_message *message = new_session_call(client, "Transmit");
    check(sd_bus_message_append_array(message, 'y', command, length) >= 0 &&
              sd_bus_message_append(message, "a{sv}", 0) >= 0,
          "Transmit");
    sd_bus_message *reply = call(client->bus, message);
    check(sd_bus_message_read_array(reply, 'y', &response, &response_length) > 0, "Transmit");
    sd_bus_message_unref(reply);
}

void
client_transmit_many(Client *client, const uint8_t *command, size_t length, int count)
{
    sd_bus_message *message = new_session_call(client, "TransmitMany");
    const void *response;
    size_t response_length;

    check(sd_bus_message_open_container(message, 'a', "ay") >= 0, "TransmitMany");
    for (int i = 0; i < count; i++)
        check(sd_bus_message_append_array(message, 'y', command, length) >= 0, "TransmitMany");
    check(sd_bus_message_close_container(message) >= 0 &&
              sd_bus_message_append(message, "a{sv}", 0) >= 0,
          "TransmitMany");
    sd_bus_message *reply = call(client->bus, message);
    check(sd_bus_message_enter_container(reply, 'a', "ay") > 0, "TransmitMany");
    for (int i = 0; i < count; i++)
        check(sd_bus_message_read_array(reply, 'y', &response, &response_length) > 0,
              "TransmitMany");
    sd_bus_message_unref(reply);
}
