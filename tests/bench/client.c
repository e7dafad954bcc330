/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "measure.h"

#define SERVICE "org.smartcardd1"
#define ROOT "/org/smartcardd1"

/* The number of packets that the service reads from a channel before it answers: pcsc/channel.h. */
#define IN_FLIGHT_MAX 32
#define ANSWER_HEADER 8

/* A client that is starved waits for long. */
#define CALL_LIMIT_US (120 * UINT64_C(1000000))

static void
check_code(LONG code, const char *what)
{
    check(code == SCARD_S_SUCCESS, what);
}

/* Sends the message, which it takes, and returns the reply. */
static sd_bus_message *
call_service(sd_bus *bus, sd_bus_message *message)
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

/* Returns the path of the object of the reader, to be freed. */
static char *
find_reader(sd_bus *bus, const char *reader)
{
    const char *path;
    sd_bus_message *message = new_call(bus, ROOT, SERVICE ".Manager", "FindReader");

    check(sd_bus_message_append(message, "s", reader) >= 0, "FindReader");
    sd_bus_message *found = call_service(bus, message);
    check(sd_bus_message_read(found, "o", &path) >= 0, "FindReader");
    char *copy = strdup(path);
    sd_bus_message_unref(found);
    return copy;
}

/* Returns the path of the new session, to be freed. */
static char *
connect_session(sd_bus *bus, const char *reader_path)
{
    const char *path;
    sd_bus_message *message = new_call(bus, reader_path, SERVICE ".Reader", "Connect");

    check(sd_bus_message_append(message, "sasa{sv}", "shared", 0, 0) >= 0, "Connect");
    sd_bus_message *connected = call_service(bus, message);
    check(sd_bus_message_read(connected, "os", &path, NULL) >= 0, "Connect");
    char *copy = strdup(path);
    sd_bus_message_unref(connected);
    return copy;
}

static void
open_session(Client *client, const char *reader)
{
    check(sd_bus_open_system(&client->bus) >= 0, "bus");
    client->reader_path = find_reader(client->bus, reader);
    client->service = SERVICE;
    client->interface = SERVICE ".Session";
    client->path = connect_session(client->bus, client->reader_path);
}

static void
open_channel(Client *client)
{
    int fd;
    sd_bus_message *message = new_session_call(client, "OpenChannel");

    check(sd_bus_message_append(message, "a{sv}", 0) >= 0, "OpenChannel");
    sd_bus_message *opened = call_service(client->bus, message);
    check(sd_bus_message_read(opened, "h", &fd) >= 0, "OpenChannel");
    client->channel = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    check(client->channel >= 0, "descriptor");
    sd_bus_message_unref(opened);
}

static SCARDHANDLE
connect_pcsc(Client *client, const char *reader)
{
    SCARDHANDLE card;
    DWORD protocol;

    check_code(SCardConnect(client->context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &card,
                            &protocol),
               "SCardConnect");
    client->pci = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    return card;
}

static void
open_pcsc(Client *client, const char *reader)
{
    check_code(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &client->context),
               "SCardEstablishContext");
    client->card = connect_pcsc(client, reader);
}

ClientKind
client_kind(const char *word)
{
    if (strcmp(word, "plain") == 0)
        return CLIENT_PLAIN;
    return strcmp(word, "channel") == 0 ? CLIENT_CHANNEL : CLIENT_SESSION;
}

void
client_open(Client *client, ClientKind kind, const char *reader)
{
    *client = (Client){.kind = kind};
    if (kind == CLIENT_PLAIN)
        open_pcsc(client, reader);
    else
        open_session(client, reader);
    if (kind == CLIENT_CHANNEL)
        open_channel(client);
}

void
client_open_echo(Client *client, const char *name)
{
    *client = (Client){.kind = CLIENT_SESSION, .service = name, .interface = SERVICE ".Echo"};
    check(sd_bus_open_system(&client->bus) >= 0, "bus");
    client->path = strdup("/echo");
}

static void
close_session(Client *client, const char *path)
{
    sd_bus_message *message = new_call(client->bus, path, client->interface, "Close");
    check(sd_bus_message_append(message, "sa{sv}", "leave", 0) >= 0, "Close");
    sd_bus_message_unref(call_service(client->bus, message));
}

void
client_close(Client *client)
{
    if (client->kind == CLIENT_PLAIN) {
        check_code(SCardDisconnect(client->card, SCARD_LEAVE_CARD), "SCardDisconnect");
        check_code(SCardReleaseContext(client->context), "SCardReleaseContext");
        return;
    }
    if (client->kind == CLIENT_CHANNEL)
        close(client->channel);
    close_session(client, client->path);
    sd_bus_flush_close_unref(client->bus);
    free(client->path);
    free(client->reader_path);
    free(client->card_path);
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
    sd_bus_message_unref(call_service(client->bus, message));
}

void
client_end(Client *client)
{
    if (client->kind == CLIENT_PLAIN) {
        check_code(SCardEndTransaction(client->card, SCARD_LEAVE_CARD), "SCardEndTransaction");
        return;
    }
    sd_bus_message *message = new_session_call(client, "EndTransaction");
    check(sd_bus_message_append(message, "sa{sv}", "leave", 0) >= 0, "EndTransaction");
    sd_bus_message_unref(call_service(client->bus, message));
}

static size_t
transmit_pcsc(Client *client, const uint8_t *command, size_t length)
{
    DWORD received = sizeof client->answer;

    check_code(
        SCardTransmit(client->card, client->pci, command, length, NULL, client->answer, &received),
        "SCardTransmit");
    return received;
}

/* A transmit without a time limit. */
static const uint8_t request_header[CLIENT_REQUEST_HEADER] = {
    [1] = 2, [8] = 0xFF, 0xFF, 0xFF, 0xFF};

static void
send_packet(Client *client, const uint8_t *command, size_t length)
{
    struct iovec parts[] = {{(void *)request_header, sizeof request_header},
                            {(void *)command, length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    check(sendmsg(client->channel, &message, MSG_NOSIGNAL) >= 0, "channel");
}

static void
check_answer(const uint8_t *answer, ssize_t length)
{
    static const uint8_t success[4];

    check(length > ANSWER_HEADER && memcmp(answer, success, sizeof success) == 0, "channel");
}

/* The arguments are the same for a session, a card and the echo. */
static size_t
transmit_on_bus(Client *client, sd_bus_message *message, const uint8_t *command, size_t length)
{
    const void *response;
    size_t response_length;

    check(sd_bus_message_append_array(message, 'y', command, length) >= 0 &&
              sd_bus_message_append(message, "a{sv}", 0) >= 0,
          "Transmit");
    sd_bus_message *reply = call_service(client->bus, message);
    check(sd_bus_message_read_array(reply, 'y', &response, &response_length) > 0, "Transmit");
    sd_bus_message_unref(reply);
    return response_length;
}

static size_t
transmit_on_channel(Client *client, const uint8_t *command, size_t length)
{
    send_packet(client, command, length);
    ssize_t received = recv(client->channel, client->answer, sizeof client->answer, 0);
    check_answer(client->answer, received);
    return (size_t)received - ANSWER_HEADER;
}

size_t
client_transmit(Client *client, const uint8_t *command, size_t length)
{
    switch (client->kind) {
    case CLIENT_PLAIN:
        return transmit_pcsc(client, command, length);
    case CLIENT_CHANNEL:
        return transmit_on_channel(client, command, length);
    case CLIENT_SESSION:
        break;
    }
    return transmit_on_bus(client, new_session_call(client, "Transmit"), command, length);
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
    sd_bus_message *reply = call_service(client->bus, message);
    check(sd_bus_message_enter_container(reply, 'a', "ay") > 0, "TransmitMany");
    for (int i = 0; i < count; i++)
        check(sd_bus_message_read_array(reply, 'y', &response, &response_length) > 0,
              "TransmitMany");
    sd_bus_message_unref(reply);
}

/* Sends as many as possible without blocking; returns the number. */
static int
send_packets(Client *client, const uint8_t *command, size_t length, int count)
{
    struct iovec parts[] = {{(void *)request_header, sizeof request_header},
                            {(void *)command, length}};
    struct mmsghdr packets[IN_FLIGHT_MAX];

    for (int i = 0; i < count; i++)
        packets[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = parts, .msg_iovlen = 2}};
    int sent = sendmmsg(client->channel, packets, (unsigned)count, MSG_NOSIGNAL | MSG_DONTWAIT);
    check(sent > 0, "channel");
    return sent;
}

/* Waits for count answers. */
static void
receive_packets(Client *client, int count)
{
    static uint8_t answers[IN_FLIGHT_MAX][CLIENT_ANSWER_MAX];
    struct iovec parts[IN_FLIGHT_MAX];
    struct mmsghdr packets[IN_FLIGHT_MAX];

    for (int i = 0; i < count; i++) {
        parts[i] = (struct iovec){answers[i], sizeof answers[i]};
        packets[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
    check(recvmmsg(client->channel, packets, (unsigned)count, 0, NULL) == count, "channel");
    for (int i = 0; i < count; i++)
        check_answer(answers[i], packets[i].msg_len);
}

void
client_transmit_in_flight(Client *client, const uint8_t *command, size_t length, int count)
{
    for (int sent; count > 0; count -= sent) {
        sent = send_packets(client, command, length, count < IN_FLIGHT_MAX ? count : IN_FLIGHT_MAX);
        receive_packets(client, sent);
    }
}

/* Returns the path of the card of the session, to be freed. */
static char *
get_card(Client *client)
{
    sd_bus_message *reply = NULL;
    const char *path;

    check(sd_bus_get_property(client->bus, SERVICE, client->path, client->interface, "Card", NULL,
                              &reply, "o") >= 0,
          "Card");
    check(sd_bus_message_read(reply, "o", &path) >= 0, "Card");
    char *copy = strdup(path);
    sd_bus_message_unref(reply);
    return copy;
}

void
client_transmit_on_card(Client *client, const uint8_t *command, size_t length)
{
    if (!client->card_path)
        client->card_path = get_card(client);
    transmit_on_bus(client, new_call(client->bus, client->card_path, SERVICE ".Card", "Transmit"),
                    command, length);
}

void
client_ask_polkit(Client *client, const char *name)
{
    sd_bus_message *message = NULL;
    int authorized;

    check(sd_bus_message_new_method_call(client->bus, &message, "org.freedesktop.PolicyKit1",
                                         "/org/freedesktop/PolicyKit1/Authority",
                                         "org.freedesktop.PolicyKit1.Authority",
                                         "CheckAuthorization") >= 0 &&
              sd_bus_message_append(message, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                    name, SERVICE ".connect", 5, "reader", "Reader", "usb-path", "",
                                    "serial", "", "alias", "", "atr", "3B00", 0, "") >= 0,
          "CheckAuthorization");
    sd_bus_message *reply = call_service(client->bus, message);
    check(sd_bus_message_enter_container(reply, 'r', "bba{ss}") > 0 &&
              sd_bus_message_read(reply, "b", &authorized) > 0 && authorized,
          "CheckAuthorization");
    sd_bus_message_unref(reply);
}

void
client_connect_and_close(Client *client, const char *reader)
{
    if (client->kind == CLIENT_PLAIN) {
        SCARDHANDLE card = connect_pcsc(client, reader);
        check_code(SCardDisconnect(card, SCARD_LEAVE_CARD), "SCardDisconnect");
        return;
    }
    char *path = connect_session(client->bus, client->reader_path);
    close_session(client, path);
    free(path);
}

void
client_transmit_from_scratch(Client *client, const char *reader, const uint8_t *command,
                             size_t length)
{
    Client once = *client;

    once.card = connect_pcsc(client, reader);
    client_begin(&once);
    transmit_pcsc(&once, command, length);
    client_end(&once);
    check_code(SCardDisconnect(once.card, SCARD_LEAVE_CARD), "SCardDisconnect");
}
